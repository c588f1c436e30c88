/// A token and its natural-log probability under the model's own distribution.
package struct TokenLogprob: Sendable, Equatable {
    package let id: Int32
    package let logprob: Float

    package init(id: Int32, logprob: Float) {
        self.id = id
        self.logprob = logprob
    }
}

package enum LogProbabilities {
    /// The largest logit and where it first occurs, or nil when the row holds NaN or +inf, or nothing but -inf:
    /// such a row is not a distribution.
    package static func maximum(_ logits: Span<Float>) -> Candidate? {
        var best = Candidate(id: 0, value: -.infinity)
        var sound = true
        for id in logits.indices {
            let value = logits[id]
            if !(value <= best.value) {
                sound = sound && value == value
                best = Candidate(id: Int32(truncatingIfNeeded: id), value: value)
            }
        }
        return sound && best.value.isFinite ? best : nil
    }

    /// ln sum_j e^(l_j), summed in double precision in the order of ids.
    package static func logSumExp(_ logits: Span<Float>, maximum: Float) -> Double {
        let top = Double(maximum)
        var sum = 0.0
        for id in logits.indices { sum += Elementary.exponential(Double(logits[id]) - top) }
        return top + Elementary.logarithm(sum)
    }
}
