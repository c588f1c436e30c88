import Deciding
import PortableMath

/// A master's word becomes a direction; an answer's confidence may become another.
extension RoutingStateMachine {
    /// One prefill of the master is there.
    mutating func decide(_ key: QueryKey, _ reading: MasterReading, tokens: [String], temperature: Double) {
        queries[key]?.endAttempt(.finished)
        guard let query = queries[key], let walk = query.walk, let name = walk.master,
            let node = graph.nodes[name], case .master(let master) = node.work
        else { return }
        let bound = Dictionary(
            node.hands.compactMap { hand in graph.nodes[hand]?.functionalToken.map { ($0, hand) } },
            uniquingKeysWith: { first, _ in first })
        let names = tokens.map { bound[$0] }
        guard let general = names.firstIndex(of: master.general) else {
            queries[key]?.walk?.leave("its folder has no token of \(master.general)", at: now)
            return turn(key, to: .init(node: master.general, because: .masterDown))
        }
        var rules = DecisionRules(kinds: names.map(kind), general: general)
        rules.temperature = temperature
        rules.massMin = master.massMin
        rules.top = master.top
        rules.stayMargin = master.stayMargin
        rules.inPlay = names.map { $0.map { isUp($0) && isAllowed($0, key.identity) } ?? false }
        rules.biases = names.map { bias(of: $0, master) }
        let decision = Decision(reading, rules, current: walk.current.flatMap { names.firstIndex(of: $0) })
        note(decision, names, tokens, rules, key)
        queries[key]?.walk?.leave("decided", at: now)
        follow(decision, names, key)
    }

    private func kind(of name: String?) -> DecisionRules.Kind {
        guard let name, let node = graph.nodes[name] else { return .answer(threshold: 0) }
        if case .refusal = node.work { return .refusal(threshold: node.threshold) }
        return .answer(threshold: node.threshold)
    }

    private func bias(of name: String?, _ master: Master) -> Double {
        guard let name, let node = graph.nodes[name] else { return 0 }
        return -master.costWeight * node.cost - master.loadWeight * load(of: node)
    }

    /// The share of its workers' places that are taken, 0 ... 1.
    private func load(of node: GraphNode) -> Double {
        guard case .model(let model, _) = node.work else { return 0 }
        let holders = workers.records.filter { $0.condition == .ready && $0.holds(model) }
        let places = holders.reduce(0) { $0 + $1.capacity }
        return places == 0 ? 0 : Double(holders.reduce(0) { $0 + $1.assignments.count }) / Double(places)
    }

    func isAllowed(_ name: String, _ identity: String) -> Bool {
        graph.nodes[name]?.clients?.contains(identity) ?? true
    }

    func isUp(_ name: String) -> Bool {
        switch graph.nodes[name]?.work {
        case .model(let model, _): readyHolding(model) != nil
        case .master(let master): readyHolding(master.model) != nil
        case .endpoint: (endpointsDownUntil[name] ?? now) <= now
        case .refusal: true
        case nil: false
        }
    }

    private mutating func note(
        _ decision: Decision, _ names: [String?], _ tokens: [String], _ rules: DecisionRules, _ key: QueryKey
    ) {
        let shares = names.indices.map { index in
            WalkTrace.Share(
                node: names[index] ?? tokens[index], untouched: decision.untouched[index],
                share: decision.shares[index], inPlay: rules.inPlay[index])
        }
        queries[key]?.walk?.note(shares, mass: decision.mass)
    }

    private mutating func follow(_ decision: Decision, _ names: [String?], _ key: QueryKey) {
        switch decision.verdict {
        case .refuse(let index):
            names[index].map { turn(key, to: .init(node: $0, because: .chosen)) }
        case .nobody:
            fail(
                key, .noWorker, "no node that may answer this client is up; see skein status",
                retryAfterMilliseconds: configuration.busyRetryMilliseconds)
        case .go(let chosen, let reason):
            let because = WalkTrace.Because(reason)
            // Should all of these fail, whoever is left may answer, the likeliest first.
            let rest = decision.shares.indices.filter { decision.shares[$0] > 0 && !chosen.contains($0) }
                .sorted { (-decision.shares[$0], $0) < (-decision.shares[$1], $1) }
            let first = chosen.compactMap { names[$0] }.map { Walk.Candidate(node: $0, because: because) }
            let others = rest.compactMap { names[$0] }.map { Walk.Candidate(node: $0, because: .fallback) }
            queries[key]?.walk?.ahead = first + others
            guard let next = takeNext(key) else { return }
            visit(key, next)
        }
    }

    mutating func turn(_ key: QueryKey, to next: Walk.Candidate) {
        takeOut(key)
        visit(key, next)
    }

    private mutating func takeNext(_ key: QueryKey) -> Walk.Candidate? {
        guard var walk = queries[key]?.walk, !walk.ahead.isEmpty else { return nil }
        let next = walk.ahead.removeFirst()
        queries[key]?.walk = walk
        return next
    }

    /// An answer is complete. Whether a cascade edge sends the query on instead of it.
    ///
    /// Confidence: the geometric mean of the answer's token probabilities, exp(1/n Σ ln p_i).
    mutating func escalates(_ key: QueryKey) -> Bool {
        guard let query = queries[key], let walk = query.walk, walk.stage == .answering else { return false }
        guard walk.holds, let cascade = graph.nodes[walk.node]?.cascade, !query.logprobs.isEmpty else {
            queries[key]?.walk?.leave("answered", at: now)
            return false
        }
        let mean = query.logprobs.reduce(0.0) { $0 + Double($1.logprob) } / Double(query.logprobs.count)
        let confidence = Elementary.exponential(mean)
        guard confidence < cascade.threshold, isUp(cascade.to), isAllowed(cascade.to, key.identity),
            walk.steps + 1 < graph.stepsMax
        else {
            queries[key]?.walk?.leave("answered", confidence: confidence, at: now)
            return false
        }
        queries[key]?.endAttempt(.finished)
        queries[key]?.walk?.leave("unsure", confidence: confidence, at: now)
        turn(key, to: .init(node: cascade.to, because: .escalated))
        return true
    }

    /// What was kept back is the client's now.
    mutating func release(_ key: QueryKey) {
        guard queries[key]?.walk?.holds == true else { return }
        queries[key]?.walk?.holds = false
        if queries[key]?.topLogprobsAsked == 0 { queries[key]?.logprobs = [] }
        if let target = queries[key]?.target { sendReplay(key, from: 0, to: target) }
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

    /// A node failed before its first byte. Whether another takes the query; the client sees nothing of it.
    mutating func takesAnotherWay(_ key: QueryKey, _ kind: FailureKind, _ message: String) -> Bool {
        guard let query = queries[key], let walk = query.walk,
            // A query whose own deadline has passed has no time for another node either.
            kind.leavesOtherWays || (kind == .deadlineExceeded && now < query.deadline),
            walk.hides || query.tokens.isEmpty, let node = graph.nodes[walk.node]
        else { return false }
        queries[key]?.endAttempt(.failed)
        queries[key]?.walk?.leave("\(kind): \(message)", at: now)
        if walk.stage == .rewriting {
            answerOriginal(key, at: node)
            return true
        }
        guard let next = otherWay(query, walk, node) else { return false }
        queries[key]?.walk?.ahead.removeAll { $0 == next }
        turn(key, to: next)
        return true
    }

    private func otherWay(_ query: QueryRecord, _ walk: Walk, _ node: GraphNode) -> Walk.Candidate? {
        var ways = node.fallbacks.map { Walk.Candidate(node: $0, because: .fallback) }
        ways = walk.ahead.filter { $0.because != .fallback } + ways
        if let name = walk.master, case .master(let master) = graph.nodes[name]?.work {
            ways.append(.init(node: master.general, because: node.name == name ? .masterDown : .fallback))
            if node.name == name { ways += node.hands.map { .init(node: $0, because: .masterDown) } }
        }
        ways += walk.ahead.filter { $0.because == .fallback }
        return ways.first { way in
            !walk.hasTried(way.node) && graph.nodes[way.node]?.answers == true && isUp(way.node)
                && isAllowed(way.node, query.key.identity)
        }
    }
}

extension FailureKind {
    /// The node is to blame, not the query.
    fileprivate var leavesOtherWays: Bool {
        switch self {
        case .noWorker, .workerLost, .promptTooLong, .busy, .endpointFailed: true
        default: false
        }
    }
}

extension WalkTrace.Because {
    fileprivate init(_ reason: Decision.Reason) {
        self =
            switch reason {
            case .chosen: .chosen
            case .abstained: .abstained
            case .underThresholds: .underThresholds
            case .stayed: .stayed
            }
    }
}
