/// What one token gets at one MoE layer, the best expert first: rank 0 is the first choice, which capacity modes serve first.
///
/// The trunk adds the experts' rows in ascending id, whatever their rank (P1): `ascending`.
package struct LayerChoice: Sendable, Equatable {
    /// [k], by rank.
    package let experts: [Int32]
    /// One for each of `experts`.
    package let weights: [Float]

    package init(experts: [Int32], weights: [Float]) {
        precondition(experts.count == weights.count, "\(experts.count) experts, \(weights.count) weights")
        self.experts = experts
        self.weights = weights
    }

    /// The order of addition: y = Σ w_e FFN_e(x) over ascending e.
    package var ascending: [(expert: Int32, weight: Float)] {
        zip(experts, weights).map { (expert: $0, weight: $1) }.sorted { $0.expert < $1.expert }
    }
}
