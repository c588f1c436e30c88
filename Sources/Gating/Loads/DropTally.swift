/// What a capacity refused at one mixture layer: every loss is counted, by the rank of the choice and by its place in the prompt (P3).
package struct DropTally: Sendable, Equatable {
    /// Equal shares of a prompt.
    package static let positionBuckets = 8

    /// Choices of prompts' tokens, kept or not.
    package private(set) var choices = 0
    /// [k]
    package private(set) var byRank: [Int]
    /// [`positionBuckets`]
    package private(set) var byPosition = [Int](repeating: 0, count: positionBuckets)

    package init(topK: Int) {
        byRank = [Int](repeating: 0, count: topK)
    }

    package var dropped: Int { byRank.reduce(0, +) }

    /// plan: of one whole prompt of `tokens`.
    package mutating func add(_ plan: CapacityPlan, tokens: Int) {
        choices += plan.demand.reduce(0, +)
        for (rank, drops) in plan.dropsByRank(byRank.count).enumerated() { byRank[rank] += drops }
        let places = plan.dropsByPosition(buckets: Self.positionBuckets, tokens: tokens)
        for (bucket, drops) in places.enumerated() { byPosition[bucket] += drops }
    }
}
