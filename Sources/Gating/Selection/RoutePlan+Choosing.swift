import PortableMath

/// How much of the caller's storage a choice fills, and the weights that no expert id has.
package struct Kept: Sendable, Equatable {
    package var count: Int
    package var nullWeight: Float
    package var commonWeight: Float

    /// No expert: the null has it all, or the common expert in its place.
    static func nothing(_ common: CommonShare) -> Kept {
        common == .inPlaceOfNull
            ? Kept(count: 0, nullWeight: 0, commonWeight: 1) : Kept(count: 0, nullWeight: 1, commonWeight: 0)
    }
}

extension RoutePlan {
    /// Top-k of the scores with the null expert, then the softmax over those kept, w = e^((score - top) / T) / Σ.
    ///
    /// scores: [N] from `score`; nullScore: τ of the site, not read where the null is off; experts, weights: room for `choiceMax`, filled
    /// with ids in ascending order and their weights. Of equal scores the lower id is kept; the null's id is above all. The sum
    /// of the softmax runs in ascending id, the null last, so that the bits depend on this token alone. Throws for a score of NaN or +∞.
    package func choose(
        scores: Span<Float>, nullScore: Float, experts: inout MutableSpan<Int32>, weights: inout MutableSpan<Float>
    ) throws(RouteScoreError) -> Kept {
        let scores = scores.extracting(first: expertCount)
        let tau = null == .off ? -Float.infinity : nullScore
        guard tau < .infinity else { throw RouteScoreError(expert: nil) }
        // Strictly above the floor is kept: at τ itself the expert wins, since its id is lower.
        let floor = null == .on ? tau.nextDown : -Float.infinity
        var count = try keepBest(scores, above: floor, &experts, &weights)
        guard count > 0 else { return .nothing(common) }
        var keepsNull = tau > -.infinity && count < topK
        if null == .joins && count == topK && tau > weights[lowest(count, weights.span)] {
            count = drop(lowest(count, weights.span), count, &experts, &weights)
            keepsNull = true
        }
        guard count > 0 else { return .nothing(common) }
        return softmax(scores, tau, keepsNull, count, &weights)
    }

    /// The same into a `Choice` that is reused. Does nothing but copy where the plan is `fixed`. `scores` may be empty then.
    package func choose(scores: Span<Float>, nullScore: Float, into choice: inout Choice) throws(RouteScoreError) {
        if let fixed {
            choice = fixed
            return
        }
        let kept = try choose(scores, nullScore, &choice.experts, &choice.weights)
        choice.nullWeight = kept.nullWeight
        choice.commonWeight = kept.commonWeight
    }

    private func choose(
        _ scores: Span<Float>, _ nullScore: Float, _ experts: inout [Int32], _ weights: inout [Float]
    ) throws(RouteScoreError) -> Kept {
        Self.resize(&experts, to: topK)
        Self.resize(&weights, to: topK)
        var expertPlaces = experts.mutableSpan
        var weightPlaces = weights.mutableSpan
        let kept = try choose(scores: scores, nullScore: nullScore, experts: &expertPlaces, weights: &weightPlaces)
        Self.resize(&experts, to: kept.count)
        Self.resize(&weights, to: kept.count)
        return kept
    }

    private static func resize<Number: AdditiveArithmetic>(_ places: inout [Number], to count: Int) {
        while places.count < count { places.append(.zero) }
        while places.count > count { places.removeLast() }
    }
}

extension RoutePlan {
    /// Fills `experts` in ascending id and `weights` with their scores: the topK best of those above the floor.
    private func keepBest(
        _ scores: Span<Float>, above floor: Float, _ experts: inout MutableSpan<Int32>,
        _ weights: inout MutableSpan<Float>
    ) throws(RouteScoreError) -> Int {
        let places = topK
        precondition(
            experts.count >= places && weights.count >= places, "room for \(experts.count) of \(places) experts")
        var isNumber = true
        var threshold = floor
        var count = 0
        for index in 0..<scores.count {
            let score = scores[index]
            isNumber = isNumber && score < .infinity
            guard score > threshold else { continue }
            if count == places {
                // Equal scores: the later of them goes.
                count = drop(lowest(count, weights.span), count, &experts, &weights)
            }
            experts[count] = Int32(truncatingIfNeeded: index)
            weights[count] = score
            count += 1
            if count == places { threshold = max(floor, weights[lowest(count, weights.span)]) }
        }
        guard isNumber else {
            for index in 0..<scores.count where !(scores[index] < .infinity) { throw RouteScoreError(expert: index) }
            return 0
        }
        return count
    }

    /// Where the lowest of the first `count` scores is; of equal ones the last.
    @inline(__always)
    private func lowest(_ count: Int, _ scores: Span<Float>) -> Int {
        var place = 0
        for index in 1..<max(1, count) where scores[index] <= scores[place] { place = index }
        return place
    }

    /// Closes the gap at `place`; returns the new count.
    @inline(__always)
    private func drop(
        _ place: Int, _ count: Int, _ experts: inout MutableSpan<Int32>, _ weights: inout MutableSpan<Float>
    ) -> Int {
        for index in place..<(count - 1) {
            experts[index] = experts[index + 1]
            weights[index] = weights[index + 1]
        }
        return count - 1
    }

    /// Turns the kept scores into weights, in place.
    private func softmax(
        _ scores: Span<Float>, _ tau: Float, _ keepsNull: Bool, _ count: Int, _ weights: inout MutableSpan<Float>
    ) -> Kept {
        var top = keepsNull ? tau : -Float.infinity
        for index in 0..<count where weights[index] > top { top = weights[index] }
        var keptSum: Float = 0
        for index in 0..<count {
            weights[index] = exponential(weights[index] - top)
            keptSum += weights[index]
        }
        let nullPart = keepsNull ? exponential(tau - top) : 0
        let sum = keptSum + nullPart
        var kept = Kept(count: count, nullWeight: nullPart / sum, commonWeight: 0)
        let share = commonShare(scores, top, keptSum, &kept)
        for index in 0..<count { weights[index] = weights[index] / sum * (1 - share) }
        return kept
    }

    /// λ of this token; what it and the null give the common expert is entered into `kept`.
    @inline(__always)
    private func commonShare(_ scores: Span<Float>, _ top: Float, _ keptSum: Float, _ kept: inout Kept) -> Float {
        if common == .off { return 0 }
        if common == .inPlaceOfNull {
            (kept.commonWeight, kept.nullWeight) = (kept.nullWeight, 0)
            return 0
        }
        let share = share(scores, top, keptSum)
        kept.commonWeight = share * (1 - kept.nullWeight)
        return share
    }

    private func share(_ scores: Span<Float>, _ top: Float, _ keptSum: Float) -> Float {
        switch common {
        case .off, .inPlaceOfNull:
            return 0
        case .fixed(let share):
            return share
        case .dropped(let factor):
            guard topK < allowedCount else { return 0 }
            var sum: Float = 0
            for index in 0..<scores.count { sum += exponential(scores[index] - top) }
            return factor * max(0, 1 - keptSum / sum)
        case .entropy(let most):
            guard allowedCount > 1 else { return 0 }
            let flatness = entropy(scores, top) / Elementary.logarithm(Double(allowedCount))
            return most * Float(max(0, min(1, flatness)))
        }
    }

    @inline(__always)
    func exponential(_ difference: Float) -> Float {
        Elementary.exponential(temperature == 1 ? difference : difference / temperature)
    }
}
