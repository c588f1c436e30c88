/// What one token gets at one site: y = W u + Σ w_z s_z B_z A_z u + (common weight) · C u, in ascending expert id.
///
/// For a method with scores all weights, null and common included, sum to 1. Meant to be reused: writing into it allocates nothing once
/// it has been as long as `RoutePlan.choiceMax`.
package struct Choice: Sendable, Hashable {
    /// Expert ids, ascending.
    package internal(set) var experts: [Int32]
    /// One for each of `experts`.
    package internal(set) var weights: [Float]
    /// Of the null expert, whose delta is 0.
    package internal(set) var nullWeight: Float
    /// Of the common expert.
    package internal(set) var commonWeight: Float

    /// The trunk alone. Reserves room for `capacity` experts.
    package init(capacity: Int = 0) {
        experts = []
        weights = []
        experts.reserveCapacity(capacity)
        weights.reserveCapacity(capacity)
        nullWeight = 1
        commonWeight = 0
    }

    /// Ids must be ascending.
    package init(experts: [Int32], weights: [Float], nullWeight: Float = 0, commonWeight: Float = 0) {
        precondition(experts.count == weights.count && zip(experts, experts.dropFirst()).allSatisfy(<), "\(experts)")
        self.experts = experts
        self.weights = weights
        self.nullWeight = nullWeight
        self.commonWeight = commonWeight
    }

    /// Nothing to compute and nothing to send.
    package var isTrunkOnly: Bool { experts.isEmpty && commonWeight == 0 }
}

/// A chosen expert has no live copy and the request does not go on without it.
package struct MissingExpertError: Error, Sendable, Equatable {
    package let expert: Int

    package init(expert: Int) { self.expert = expert }
}

extension Choice {
    /// Takes out the experts for which `isMissing` holds, as the policy says. Where nothing is left the trunk stands alone.
    package mutating func remove(
        where isMissing: (Int) -> Bool, _ policy: OnMissing
    ) throws(MissingExpertError) {
        var lost: Float = 0
        var place = 0
        for index in experts.indices {
            let expert = Int(experts[index])
            guard isMissing(expert) else {
                (experts[place], weights[place]) = (experts[index], weights[index])
                place += 1
                continue
            }
            if policy == .fail { throw MissingExpertError(expert: expert) }
            lost += weights[index]
        }
        guard place < experts.count else { return }
        experts.removeLast(experts.count - place)
        weights.removeLast(weights.count - place)
        redistribute(lost, policy)
    }

    private mutating func redistribute(_ lost: Float, _ policy: OnMissing) {
        let left = weights.reduce(nullWeight + commonWeight, +)
        guard policy == .renormalise, left > 0 else {
            nullWeight += lost
            return
        }
        let factor = (left + lost) / left
        for index in weights.indices { weights[index] *= factor }
        nullWeight *= factor
        commonWeight *= factor
    }
}
