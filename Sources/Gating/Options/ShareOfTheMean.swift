/// The share of the weight that the common expert, the mean of all adapters, takes at a token.
///
/// With kept weights w and null weight n, Σ w + n = 1, and a share λ: experts get (1 - λ) w, the common expert λ (1 - n), the null
/// keeps n. So what the null takes stays with the trunk, and the sum stays 1. λ = 0 is the paper.
package enum CommonShare: Sendable, Hashable {
    case off
    /// λ, the same at every token.
    case fixed(Float)
    /// λ = factor · (1 - Σ_kept p), p the softmax over all allowed experts at the request's temperature: the mean of all stands in for
    /// the experts that top-k dropped. Peaked scores give PHATGOOSE, flat ones nearly the mean.
    case dropped(factor: Float)
    /// λ = most · H(p) / ln N, the entropy of the same p as a share of its maximum.
    case entropy(most: Float)
    /// No share of its own: the common expert takes the null expert's weight, whose delta is empty otherwise.
    case inPlaceOfNull
}

extension CommonShare: CustomStringConvertible {
    package var description: String {
        switch self {
        case .off: "off"
        case .fixed(let share): "\(share)"
        case .dropped(let factor): "dropped:\(factor)"
        case .entropy(let most): "entropy:\(most)"
        case .inPlaceOfNull: "null"
        }
    }

    /// Reads what `description` writes: `off`, `0.5`, `dropped:1`, `entropy:0.8`, `null`.
    package init(parsing text: String) throws(RouteOptionsError) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let number = Float(parts.last ?? "")
        switch (parts.first, parts.count, number) {
        case ("off", 1, _): self = .off
        case ("null", 1, _): self = .inPlaceOfNull
        case (_, 1, let share?): self = share == 0 ? .off : .fixed(share)
        case ("dropped", 2, let factor?): self = .dropped(factor: factor)
        case ("entropy", 2, let most?): self = .entropy(most: most)
        default:
            throw RouteOptionsError(
                field: "common", problem: "is '\(text)'; write off, a share such as 0.5, dropped:F, entropy:F or null")
        }
    }

    /// The number that must lie in 0...1.
    var amount: Float {
        switch self {
        case .off, .inPlaceOfNull: 0
        case .fixed(let amount), .dropped(let amount), .entropy(let amount): amount
        }
    }
}
