import Gating

/// Moments under which a PHATGOOSE score is the dot product itself: σ √d = 1, mean 0.
let plainMoments = InputMoments(mean: 0, variance: 1 - Standardisation.epsilon, norm: 1, width: 1)

func numbered(_ count: Int) -> [String] { (0..<count).map { "expert\($0 + 1000)" } }

extension RoutePlan {
    func scores(_ dots: [Float], sums: [Float]? = nil, moments: InputMoments = plainMoments) throws -> [Float] {
        var scores = [Float](repeating: .nan, count: expertCount)
        let sums = sums ?? dots.map { _ in 0 }
        var places = scores.mutableSpan
        try score(dots: dots.span, gateSums: sums.span, moments: moments, into: &places)
        return scores
    }

    func choice(ofScores scores: [Float], nullScore: Float = -.infinity) throws -> Choice {
        var choice = Choice()
        try choose(scores: scores.span, nullScore: nullScore, into: &choice)
        return choice
    }
}

/// The options' plan for as many experts as there are scores, and its choice.
func choice(_ options: RouteOptions, _ scores: [Float], nullScore: Float = -.infinity) throws -> Choice {
    try RoutePlan(options, experts: numbered(scores.count)).choice(ofScores: scores, nullScore: nullScore)
}

/// Softmax in double, for comparison.
func softmax(_ scores: [Float], temperature: Double = 1) -> [Double] {
    let top = Double(scores.max() ?? 0)
    let parts = scores.map { exponentialByFoundation((Double($0) - top) / temperature) }
    let sum = parts.reduce(0, +)
    return parts.map { $0 / sum }
}

func isNear(_ x: Float, _ y: Float, _ tolerance: Float = 2e-6) -> Bool { abs(x - y) <= tolerance * max(1, abs(y)) }

extension Choice {
    var total: Float { weights.reduce(nullWeight + commonWeight, +) }
}
