import PortableMath

/// What the full softmax says of one token at one site, over all allowed experts and the null, before any top-k: the
/// distribution of the paper's heat maps, not the kept weights.
package struct RouteStatistics: Sendable, Equatable {
    /// The best expert's score, bias included; -∞ if the mask forbids all.
    package let topScore: Float
    /// Its id; of equal scores the lowest. Nil if the mask forbids all.
    package let topExpert: Int?
    /// The null's probability.
    package let nullProbability: Float
    /// -Σ p ln p in nats, the null included.
    package let entropy: Float
}

extension RoutePlan {
    /// The full softmax at the request's temperature. `probabilities`: [N] of the caller's. Expects what `choose` accepted.
    package func distribution(
        scores: Span<Float>, nullScore: Float, into probabilities: inout MutableSpan<Float>
    ) -> RouteStatistics {
        let count = expertCount
        precondition(scores.count >= count && probabilities.count >= count, "\(scores.count) scores, \(count) experts")
        let tau = null == .off ? -Float.infinity : nullScore
        let (topExpert, topScore) = best(scores)
        guard max(topScore, tau) > -.infinity else {
            for index in 0..<count { probabilities[index] = 0 }
            return RouteStatistics(topScore: topScore, topExpert: nil, nullProbability: 1, entropy: 0)
        }
        let top = max(topScore, tau)
        for index in 0..<count { probabilities[index] = exponential(scores[index] - top) }
        let nullPart = tau > -.infinity ? exponential(tau - top) : 0
        var sum = Double(nullPart)
        // Σ p x of the exponents x, where p > 0.
        var weighted = nullPart > 0 ? Double(nullPart) * Double((tau - top) / temperature) : 0
        for index in 0..<count where probabilities[index] > 0 {
            let part = Double(probabilities[index])
            sum += part
            weighted += part * Double((scores[index] - top) / temperature)
        }
        let scale = Float(1 / sum)
        for index in 0..<count { probabilities[index] *= scale }
        return RouteStatistics(
            topScore: topScore, topExpert: topExpert, nullProbability: nullPart * scale,
            entropy: Float(max(0, Elementary.logarithm(sum) - weighted / sum)))
    }

    /// The best expert and its score, without the null.
    package func best(_ scores: Span<Float>) -> (expert: Int?, score: Float) {
        var expert: Int?
        var top = -Float.infinity
        for index in 0..<expertCount where scores[index] > top { (expert, top) = (index, scores[index]) }
        return (expert, top)
    }

    /// H = ln Σ e^x - Σ x e^x / Σ e^x over the experts, x = (score - top) / T, in nats.
    func entropy(_ scores: Span<Float>, _ top: Float) -> Double {
        var sum: Float = 0
        var weighted: Float = 0
        for index in 0..<scores.count {
            let part = exponential(scores[index] - top)
            sum += part
            // A masked score is -∞ and has no part.
            weighted += part > 0 ? part * ((scores[index] - top) / temperature) : 0
        }
        return sum > 0 ? Elementary.logarithm(Double(sum)) - Double(weighted / sum) : 0
    }
}
