/// When a node fails before its first byte another takes the query; the client sees nothing of it.
extension RoutingStateMachine {
    mutating func takesAnotherWay(_ key: QueryKey, _ kind: FailureKind, _ message: String) -> Bool {
        guard let query = queries[key], let walk = query.walk, walk.fan == nil, !walk.isSettled,
            walk.hides || query.tokens.isEmpty
        else { return false }
        // A query whose own deadline has passed has no time for another node either.
        let isOpenToOthers = now < query.deadline && (kind.leavesOtherWays || kind == .deadlineExceeded)
        if walk.stage == .rewriting, isOpenToOthers, let node = graph.nodes[walk.node],
            isAllowed(walk.node, key.identity)
        {
            queries[key]?.endAttempt(.failed)
            answerOriginal(key, at: node, "\(kind): \(message)")
            return true
        }
        queries[key]?.endAttempt(.failed)
        queries[key]?.walk?.leave("\(kind): \(message)", at: now)
        let from = graph.nodes[walk.node].map { [$0] } ?? []
        if isOpenToOthers, let next = otherWay(query, walk, from: from) {
            queries[key]?.walk?.ahead.removeAll { $0 == next }
            turn(key, to: next)
            return true
        }
        return settlesForHeld(key, kind)
    }

    /// The first that has not been tried and can answer: what else was chosen, fallback edges, the general node, whoever is in play.
    ///
    /// - Parameter nodes: that failed.
    func otherWay(_ query: QueryRecord, _ walk: Walk, from nodes: [GraphNode]) -> Walk.Candidate? {
        guard hasSteps(query.key) else { return nil }
        var ways = nodes.flatMap(\.fallbacks).map { Walk.Candidate(node: $0, because: .fallback) }
        // An answer is at hand: only who is named for this very case may better it.
        if query.held == nil {
            ways = walk.ahead.filter { $0.because != .fallback } + ways
            ways += masterWays(walk, from: nodes) + walk.ahead.filter { $0.because == .fallback }
        }
        // A branch that fails is left out; another node would say what other branches say.
        if query.key.isBranch, !walk.hasDecided { ways = [] }
        return ways.first { way in
            !walk.hasTried(way.node) && graph.nodes[way.node]?.answers == true && isUp(way.node)
                && isAllowed(way.node, query.key.identity)
        }
    }

    private func masterWays(_ walk: Walk, from nodes: [GraphNode]) -> [Walk.Candidate] {
        guard let name = walk.master, let node = graph.nodes[name], case .master(let master) = node.work else {
            return []
        }
        guard nodes.contains(where: { $0.name == name }) else {
            return [.init(node: master.general, because: .fallback)]
        }
        return ([master.general] + node.hands).map { .init(node: $0, because: .masterDown) }
    }

    /// The node where the query is has had its time.
    mutating func overstay(_ key: QueryKey) {
        guard let query = queries[key], let walk = query.walk, let host = walk.host else { return }
        // Once: what follows has a bound of its own, or none.
        queries[key]?.walk?.until = nil
        if case .calling = query.phase, query.tokens.isEmpty { passOver(host) }
        let bound = graph.nodes[host]?.deadlineMilliseconds ?? 0
        fail(
            key, .deadlineExceeded,
            "\(host) has not ended within its \(bound) ms, deadline_milliseconds in the topology")
    }
}

extension FailureKind {
    /// The node is to blame, not the query.
    var leavesOtherWays: Bool {
        switch self {
        case .noWorker, .workerLost, .promptTooLong, .busy, .endpointFailed, .unknownNode: true
        default: false
        }
    }
}
