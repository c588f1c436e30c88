/// How the answers of several nodes become one.
package enum Reassembly: String, Hashable, Sendable {
    /// The answer of the node whose first byte comes first, as it comes; the others are cancelled.
    case first
    /// All, in the order of their shares.
    case concatenate
    /// What most of them say; of equals, what the likelier node says.
    case vote
}

/// One node's answer among several.
package struct AnswerPart: Hashable, Sendable {
    package var node: String
    /// Of its model; of a server outside the cluster, bytes.
    package var tokens: [Int32]

    package init(node: String, tokens: [Int32]) {
        self.node = node
        self.tokens = tokens
    }
}

/// The client gets what is made of all answers, in bytes, because nodes have vocabularies of their own.
extension RoutingStateMachine {
    mutating func assemble(_ key: QueryKey, _ fan: Fan) {
        guard case .preparing(let ticket) = queries[key]?.phase, let likeliest = fan.parts.first else { return }
        queries[key]?.walk?.settle(asOf: likeliest.node)
        directives.append(.assemble(key, ticket: ticket, fan.parts, fan.how))
    }

    mutating func assembled(_ key: QueryKey, ticket: UInt64, _ bytes: [UInt8]) {
        guard let query = queries[key], query.phase == .preparing(ticket: ticket) else { return }
        guard !bytes.isEmpty else { return finish(key, .endToken) }
        let tokens = bytes.map { Int32($0) }
        let moment = now
        queries[key]?.tokens = tokens
        queries[key]?.firstTokenAt = moment
        queries[key]?.lastTokenAt = moment
        let isHeldBack = query.target.map { holdBack(key, from: 0, for: $0) } ?? false
        directives.append(
            .advance(
                Advance(
                    query: key, attempt: max(1, query.attempts.count), position: 0, tokens: tokens, logprobs: [],
                    connection: isHeldBack ? nil : query.target)))
        finish(key, .endToken)
    }
}
