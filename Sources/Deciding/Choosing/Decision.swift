/// Where a query goes, and all that led there.
package struct Decision: Equatable, Sendable {
    package enum Verdict: Equatable, Sendable {
        /// To these nodes, the best first; never empty.
        case go([Int], because: Reason)
        case refuse(Int)
        /// No node that answers is up and allowed.
        case nobody
    }

    package enum Reason: String, Equatable, Sendable {
        case chosen
        /// The functional mass was under `massMin`.
        case abstained
        /// No node reached its threshold.
        case underThresholds
        /// The conversation's node was not left.
        case stayed
    }

    package let verdict: Verdict
    package let mass: Double
    /// softmax(z / T) over all nodes, before masks, biases and thresholds.
    package let untouched: [Double]
    /// After masks and biases, over the answering nodes in play; 0 for all others.
    package let shares: [Double]

    /// - Parameter current: the node that a conversation is on.
    package init(_ reading: MasterReading, _ rules: DecisionRules, current: Int? = nil) {
        precondition(
            reading.logits.count == rules.kinds.count && rules.inPlay.count == rules.kinds.count
                && rules.biases.count == rules.kinds.count,
            "\(reading.logits.count) logits, \(rules.kinds.count) nodes, \(rules.inPlay.count) masks, "
                + "\(rules.biases.count) biases")
        mass = reading.mass
        untouched = reading.distribution(temperature: rules.temperature)
        shares = Self.shares(reading, rules)
        verdict = Self.verdict(mass: mass, untouched: untouched, shares: shares, rules, current: current)
    }

    /// softmax(z / T + bias) over the answering nodes in play.
    private static func shares(_ reading: MasterReading, _ rules: DecisionRules) -> [Double] {
        let nodes = rules.kinds.indices.filter { rules.answers($0) && rules.inPlay[$0] }
        let kept = Softmax.of(nodes.map { Double(reading.logits[$0]) / rules.temperature + rules.biases[$0] })
        var shares = rules.kinds.map { _ in 0.0 }
        for (node, share) in zip(nodes, kept) { shares[node] = share }
        return shares
    }

    private static func verdict(
        mass: Double, untouched: [Double], shares: [Double], _ rules: DecisionRules, current: Int?
    ) -> Verdict {
        let unsure = mass < rules.massMin
        if !unsure, let category = refusal(untouched, rules) { return .refuse(category) }
        // Highest share first; equal shares in the order of nodes.
        let ranked = rules.kinds.indices.filter { rules.answers($0) && rules.inPlay[$0] }
            .sorted { (-shares[$0], $0) < (-shares[$1], $1) }
        guard let best = ranked.first else { return .nobody }
        if let current, ranked.contains(current), unsure || shares[best] - shares[current] <= rules.stayMargin {
            return .go([current], because: .stayed)
        }
        // With the general node down, the best that is left answers.
        let fallback = rules.inPlay[rules.general] ? rules.general : best
        if unsure { return .go([fallback], because: .abstained) }
        let passing = ranked.filter { shares[$0] >= rules.threshold($0) }.prefix(max(1, rules.top))
        return passing.isEmpty ? .go([fallback], because: .underThresholds) : .go(Array(passing), because: .chosen)
    }

    /// The likeliest category among those that reach their thresholds.
    ///
    /// A query is refused if and only if some category reaches its threshold in the untouched distribution, which no threshold,
    /// mask or bias changes: raising a threshold can only take queries out of those refused (as in refusal tokens, arXiv 2412.06748).
    private static func refusal(_ untouched: [Double], _ rules: DecisionRules) -> Int? {
        rules.kinds.indices.filter { !rules.answers($0) && untouched[$0] >= rules.threshold($0) }
            .min { (-untouched[$0], $0) < (-untouched[$1], $1) }
    }
}

extension DecisionRules {
    func answers(_ node: Int) -> Bool {
        if case .answer = kinds[node] { true } else { false }
    }

    func threshold(_ node: Int) -> Double {
        switch kinds[node] {
        case .answer(let threshold), .refusal(let threshold): threshold
        }
    }
}
