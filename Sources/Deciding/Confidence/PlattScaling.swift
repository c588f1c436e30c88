import PortableMath

/// From an answer's mean log-probability l to the probability that it is right: p = 1 / (1 + e^-(a l + b)) (Platt 1999).
///
/// The geometric mean e^l of a small model's tokens says little of whether the answer is right; a and b are fitted on answers that are
/// known to be right or wrong.
package struct PlattScaling: Hashable, Sendable, Codable {
    /// Per nat.
    package var a: Double
    package var b: Double

    package init(a: Double, b: Double) {
        self.a = a
        self.b = b
    }

    package func probability(meanLogprob l: Double) -> Double { Self.logistic(a * l + b) }

    /// 1 / (1 + e^-x), without a power that overflows.
    private static func logistic(_ x: Double) -> Double {
        let power = Elementary.exponential(-abs(x))
        return x >= 0 ? 1 / (1 + power) : power / (1 + power)
    }
}

extension PlattScaling {
    package struct Example: Hashable, Sendable {
        /// Nats per token of the answer, ln p: at most 0.
        package let meanLogprob: Double
        package let isRight: Bool

        package init(meanLogprob: Double, isRight: Bool) {
            self.meanLogprob = meanLogprob
            self.isRight = isRight
        }
    }

    /// The a and b of the least mean negative log-likelihood, by Newton's method with halved steps (Lin, Lin and Weng 2007). The targets
    /// are Platt's, (N+ + 1) / (N+ + 2) for right answers and 1 / (N- + 2) for wrong ones, so that separable examples do not drive a
    /// to infinity.
    ///
    /// - Returns: nil without both right and wrong answers.
    package static func fit(_ examples: [Example]) -> PlattScaling? {
        let right = Double(examples.count { $0.isRight })
        let wrong = Double(examples.count) - right
        guard right > 0, wrong > 0 else { return nil }
        let goal = (right: (right + 1) / (right + 2), wrong: 1 / (wrong + 2))
        let points = examples.map { (l: $0.meanLogprob, t: $0.isRight ? goal.right : goal.wrong) }
        var scaling = PlattScaling(a: 0, b: Elementary.logarithm((right + 1) / (wrong + 1)))
        var loss = scaling.loss(points)
        for _ in 0..<100 {
            guard let step = scaling.newtonStep(points) else { break }
            var share = 1.0
            while share > 1e-10 {
                let next = PlattScaling(a: scaling.a - share * step.a, b: scaling.b - share * step.b)
                let nextLoss = next.loss(points)
                if nextLoss < loss {
                    (scaling, loss) = (next, nextLoss)
                    break
                }
                share /= 2
            }
            if share <= 1e-10 { break }
        }
        return scaling
    }

    /// -Σ t ln p + (1 - t) ln(1 - p), with ln(1 + e^-|x|) instead of logarithms of what may be 0.
    private func loss(_ points: [(l: Double, t: Double)]) -> Double {
        points.reduce(0) { sum, point in
            let x = a * point.l + b
            let softplus = Elementary.logarithm(1 + Elementary.exponential(-abs(x)))
            return sum + softplus + (x >= 0 ? (1 - point.t) * x : -point.t * x)
        }
    }

    /// Hessian^-1 gradient; nil where the gradient is 0.
    private func newtonStep(_ points: [(l: Double, t: Double)]) -> (a: Double, b: Double)? {
        // A little on the diagonal keeps the matrix invertible.
        var (aa, ab, bb, ga, gb) = (1e-12, 0.0, 1e-12, 0.0, 0.0)
        for point in points {
            let p = probability(meanLogprob: point.l)
            let weight = p * (1 - p)
            aa += point.l * point.l * weight
            ab += point.l * weight
            bb += weight
            ga += point.l * (p - point.t)
            gb += p - point.t
        }
        guard abs(ga) > 1e-9 || abs(gb) > 1e-9 else { return nil }
        let determinant = aa * bb - ab * ab
        guard determinant > 0 else { return nil }
        return (a: (bb * ga - ab * gb) / determinant, b: (aa * gb - ab * ga) / determinant)
    }
}
