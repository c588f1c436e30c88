import Gating

/// Room for one decision.
struct DecisionScratch {
    /// By expert id.
    var scores: [Float] = []
    /// Those kept.
    var experts: [Int32] = []
    var weights: [Float] = []

    mutating func reserve(_ count: Int) {
        guard scores.count < count else { return }
        scores = Array(repeating: 0, count: count)
        experts = Array(repeating: 0, count: count)
        weights = Array(repeating: 0, count: count)
    }

    mutating func keep(_ plan: RoutePlan, _ nullScore: Float) throws(RouteScoreError) -> Kept {
        try Self.keep(plan, nullScore, scores, &experts, &weights)
    }

    /// Apart, so that spans of two of the arrays can be lent while the third is read.
    private static func keep(
        _ plan: RoutePlan, _ nullScore: Float, _ scores: [Float], _ experts: inout [Int32], _ weights: inout [Float]
    ) throws(RouteScoreError) -> Kept {
        var ids = experts.mutableSpan
        var shares = weights.mutableSpan
        return try plan.choose(scores: scores.span, nullScore: nullScore, experts: &ids, weights: &shares)
    }
}
