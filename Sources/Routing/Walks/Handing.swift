import Deciding

/// Several steps: a node that answers may name a neighbour instead, by a functional token as its answer's first.
///
/// Only ids of the node's own functional rows count, which no text encodes to. Steps and time are those of the walk.
extension RoutingStateMachine {
    /// From this share of the vocabulary's probability on, the answer would begin with a neighbour's token sooner than with anything else.
    private static let handShareMin = 0.5

    func mayHandOn(_ key: QueryKey, _ node: GraphNode) -> Bool {
        guard case .model = node.work, stepsLeft(key) > 0 else { return false }
        return node.hands.contains { mayTake($0, key) }
    }

    private func mayTake(_ name: String, _ key: QueryKey) -> Bool { isUp(name) && isAllowed(name, key.identity) }

    /// - Parameter tokens: of the node's rows.
    mutating func decideHand(_ key: QueryKey, _ reading: MasterReading, tokens: [String], at node: GraphNode) {
        let bound = Dictionary(
            node.hands.compactMap { hand in graph.nodes[hand]?.functionalToken.map { ($0, hand) } },
            uniquingKeysWith: { first, _ in first })
        let shares = reading.distribution(temperature: 1).map { $0 * reading.mass }
        let neighbours = tokens.indices.compactMap { row -> (name: String, share: Double)? in
            bound[tokens[row]].flatMap { mayTake($0, key) ? ($0, shares[row]) : nil }
        }
        let whole = neighbours.reduce(0) { $0 + $1.share }
        guard whole >= Self.handShareMin, hasSteps(key), let next = neighbours.max(by: { $0.share < $1.share }) else {
            return answerAfterReading(key, at: node)
        }
        queries[key]?.walk?.leave("handed on", at: now)
        turn(key, to: .init(node: next.name, because: .handed))
    }
}

extension GraphNode {
    /// Who words queries: what workers call it, from which functional mass on it has a word, how long a rewrite may be.
    struct Author: Hashable, Sendable {
        var model: String
        var massMin = 0.0
        var rewriteBytesMax = 512
    }

    var author: Author? {
        switch work {
        case .master(let master):
            Author(model: master.model, massMin: master.massMin, rewriteBytesMax: master.rewriteBytesMax)
        case .model(let model, _) where !hands.isEmpty: Author(model: model)
        default: nil
        }
    }
}
