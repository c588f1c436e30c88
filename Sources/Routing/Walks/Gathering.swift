/// How the answers of several nodes become one.
package enum Reassembly: String, Hashable, Sendable {
    /// The first that ends well.
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
}

/// Several nodes answer one query, one after the other; the client gets what is made of all of them, in bytes, because nodes have
/// vocabularies of their own.
extension RoutingStateMachine {
    /// An answer is complete. Whether it is one of several.
    mutating func gathers(_ key: QueryKey) -> Bool {
        guard let query = queries[key], let walk = query.walk, walk.stage == .answering, walk.reassembly != .first
        else { return false }
        queries[key]?.endAttempt(.finished)
        queries[key]?.walk?.leave("answered", at: now)
        queries[key]?.walk?.parts.append(AnswerPart(node: walk.node, tokens: query.tokens))
        gatherNext(key)
        return true
    }

    /// The next of the chosen nodes; after the last, what they said is put together.
    private mutating func gatherNext(_ key: QueryKey) {
        if let next = queries[key]?.walk?.nextChosen() { return turn(key, to: next) }
        guard let walk = queries[key]?.walk else { return }
        takeOut(key)
        let ticket = nextTicket
        nextTicket += 1
        queries.setPhase(.preparing(ticket: ticket), of: key)
        directives.append(.assemble(key, ticket: ticket, walk.parts, walk.reassembly))
    }

    /// One of several nodes failed: the others answer.
    mutating func gathersWithout(_ key: QueryKey) -> Bool {
        guard let walk = queries[key]?.walk, walk.stage == .answering, walk.reassembly != .first,
            walk.hasChosen || !walk.parts.isEmpty
        else { return false }
        gatherNext(key)
        return true
    }

    mutating func assembled(_ key: QueryKey, ticket: UInt64, _ bytes: [UInt8]) {
        guard let query = queries[key], query.phase == .preparing(ticket: ticket) else { return }
        queries[key]?.beginStage(model: query.model)
        queries[key]?.walk?.endGathering()
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
