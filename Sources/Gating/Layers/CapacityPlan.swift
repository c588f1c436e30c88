/// Which of one request's choices at one layer found a slot.
///
/// Slots fill with all first choices in token order, then all second choices in token order, and so on. What finds none adds zero: the
/// survivor of a token keeps its weight, and a token that loses all keeps its residual (P3: every loss is listed).
package struct CapacityPlan: Sendable, Equatable {
    /// A choice without a slot.
    package struct Drop: Sendable, Equatable {
        /// Position in the prompt, from 0.
        package let token: Int
        /// 0 for a first choice.
        package let rank: Int
        package let expert: Int32
    }

    /// Rows that each expert was sent, whether or not they found a slot, [E].
    package let demand: [Int]
    /// In the order in which slots were refused.
    package let drops: [Drop]

    /// choices: one per token, of experts below `experts`; slots: C, nil for dropless.
    package init(_ choices: [LayerChoice], experts: Int, slots: Int?) {
        var demand = [Int](repeating: 0, count: experts)
        var drops: [Drop] = []
        let ranks = choices.map(\.experts.count).max() ?? 0
        for rank in 0..<ranks {
            for (token, choice) in choices.enumerated() where rank < choice.experts.count {
                let expert = choice.experts[rank]
                // A refused choice counts too: the second choices start after all first ones, kept or not.
                if let slots, demand[Int(expert)] >= slots {
                    drops.append(Drop(token: token, rank: rank, expert: expert))
                }
                demand[Int(expert)] += 1
            }
        }
        self.demand = demand
        self.drops = drops
    }

    /// What is left of each token's choice, weights as they were.
    package func kept(of choices: [LayerChoice]) -> [LayerChoice] {
        guard !drops.isEmpty else { return choices }
        let lost = Dictionary(grouping: drops, by: \.token)
        return choices.enumerated().map { token, choice in
            guard let gone = lost[token] else { return choice }
            let ranks = choice.experts.indices.filter { rank in !gone.contains { $0.rank == rank } }
            return LayerChoice(experts: ranks.map { choice.experts[$0] }, weights: ranks.map { choice.weights[$0] })
        }
    }

    /// Drops of each choice rank, [ranks].
    package func dropsByRank(_ ranks: Int) -> [Int] {
        drops.reduce(into: [Int](repeating: 0, count: ranks)) { $0[$1.rank] += 1 }
    }

    /// Drops in each of `buckets` equal shares of a prompt of `tokens`: token t is in bucket ⌊t · buckets / tokens⌋.
    package func dropsByPosition(buckets: Int, tokens: Int) -> [Int] {
        precondition(buckets > 0, "\(buckets) buckets")
        return drops.reduce(into: [Int](repeating: 0, count: buckets)) { $0[$1.token * buckets / tokens] += 1 }
    }
}
