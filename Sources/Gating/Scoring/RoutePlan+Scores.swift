/// A score that is no number, so that nothing can be chosen.
package struct RouteScoreError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The expert whose score it is; nil for the null expert's.
    package let expert: Int?

    package init(expert: Int?) { self.expert = expert }

    package var description: String {
        let whose = expert.map { "expert \($0)" } ?? "the null expert"
        return "the score of \(whose) is not finite; its gate or the activation at this site is damaged"
    }
}

extension RoutePlan {
    /// Scores of all experts for one token at one site, biases added and -∞ where the mask forbids.
    ///
    ///     PHATGOOSE, average:  (ū · v̄) / √d = (v̄ · u - mean(u) Σ v̄) / (√(var(u) + ε) √d)
    ///     Arrow:               |p · u|
    ///     arrow:unit:          |p · u| / |u|       (0 for u = 0)
    ///
    /// dots: [N], the rows of this plan's `gateKind` times raw u; gateSums: [N], Σ v̄, not read for prototypes (may be empty then);
    /// scores: [N] of the caller's. Throws if a dot product or a moment is not finite.
    package func score(
        dots: Span<Float>, gateSums: Span<Float>, moments: InputMoments, into scores: inout MutableSpan<Float>
    ) throws(RouteScoreError) {
        precondition(
            dots.count == expertCount && scores.count >= expertCount, "\(dots.count) dots, \(expertCount) experts")
        switch method.gateKind {
        case .gate, .meanActivation:
            Self.standardisedScores(dots, gateSums, moments, &scores)
        case .prototype:
            let isUnit = method == .arrowUnit
            Self.prototypeScores(dots, isUnit ? (moments.norm > 0 ? 1 / moments.norm : 0) : 1, &scores)
        case nil:
            preconditionFailure("method \(method) has no scores")
        }
        try checkFinite(scores.span)
        for index in 0..<min(adjustments.count, expertCount) { scores[index] += adjustments[index] }
    }

    @inline(__always)
    private static func standardisedScores(
        _ dots: Span<Float>, _ gateSums: Span<Float>, _ moments: InputMoments, _ scores: inout MutableSpan<Float>
    ) {
        let count = dots.count
        precondition(gateSums.count == count && scores.count >= count, "\(gateSums.count) gate sums, \(count) experts")
        let deviation = (moments.variance + Standardisation.epsilon).squareRoot()
        let factor = 1 / (deviation * Float(moments.width).squareRoot())
        let mean = moments.mean
        for index in 0..<count { scores[index] = (dots[index] - mean * gateSums[index]) * factor }
    }

    @inline(__always)
    private static func prototypeScores(_ dots: Span<Float>, _ factor: Float, _ scores: inout MutableSpan<Float>) {
        for index in 0..<dots.count { scores[index] = abs(dots[index]) * factor }
    }

    private func checkFinite(_ scores: Span<Float>) throws(RouteScoreError) {
        var isFinite = true
        for index in 0..<expertCount { isFinite = isFinite && abs(scores[index]) < .infinity }
        guard !isFinite else { return }
        for index in 0..<expertCount where !scores[index].isFinite { throw RouteScoreError(expert: index) }
    }
}
