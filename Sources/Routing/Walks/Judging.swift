import Deciding

/// A master's word becomes a direction.
extension RoutingStateMachine {
    /// One prefill of the master is there.
    mutating func decide(_ key: QueryKey, _ reading: MasterReading, tokens: [String], temperature: Double) {
        queries[key]?.endAttempt(.finished)
        guard let query = queries[key], let walk = query.walk, let name = walk.author else { return }
        if let node = graph.nodes[name], case .model = node.work {
            return decideHand(key, reading, tokens: tokens, at: node)
        }
        guard let node = graph.nodes[name], case .master(let master) = node.work else {
            return failForGoneNode(key, name)
        }
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
        queries[key]?.walk?.hasDecided = true
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
            go(key, to: first, else: others)
        }
    }

    /// - Parameter chosen: the best first. Within a branch, and where no steps are left for more, one of them is asked.
    private mutating func go(_ key: QueryKey, to chosen: [Walk.Candidate], else others: [Walk.Candidate]) {
        let atOnce = key.isBranch ? 1 : min(chosen.count, stepsLeft(key))
        queries[key]?.walk?.ahead = chosen.dropFirst(max(1, atOnce)) + others
        guard atOnce > 1 else { return turn(key, to: chosen[0]) }
        fanOut(key, to: Array(chosen.prefix(atOnce)), reassembly(key))
    }

    private func reassembly(_ key: QueryKey) -> Reassembly {
        guard let name = queries[key]?.walk?.master, case .master(let master) = graph.nodes[name]?.work else {
            return .first
        }
        return master.reassembly
    }

    mutating func turn(_ key: QueryKey, to next: Walk.Candidate) {
        takeOut(key)
        visit(key, next)
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
