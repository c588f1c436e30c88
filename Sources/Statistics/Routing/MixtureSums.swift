import PortableMath

/// What only mixture layers have, summed.
package struct MixtureSums: Sendable, Equatable, Codable {
    /// Tokens by pair of experts a < b, a slowest; empty where there are too many.
    package var together: [UInt64] = []
    /// Of (ln Σ e^logit)², summed.
    package var squaredLogSums = 0.0
    /// Of prompts under a capacity.
    package var capacityChoices: UInt64 = 0
    package var droppedByRank: [UInt64] = []
    /// By eighth of the prompt.
    package var droppedByPosition: [UInt64] = []
    /// By expert: weights that a row is multiplied with. Not summed.
    package var costs: [UInt64] = []

    package init() {}

    package mutating func add(_ other: MixtureSums) {
        SiteSums.add(other.together, to: &together) { $0 &+ $1 }
        squaredLogSums += other.squaredLogSums
        capacityChoices &+= other.capacityChoices
        SiteSums.add(other.droppedByRank, to: &droppedByRank) { $0 &+ $1 }
        SiteSums.add(other.droppedByPosition, to: &droppedByPosition) { $0 &+ $1 }
        costs = other.costs
    }

    package var dropped: UInt64 { droppedByRank.reduce(0, &+) }

    /// The share of choices without a slot; nil without a capacity.
    package var droppedShare: Double? {
        capacityChoices > 0 ? Double(dropped) / Double(capacityChoices) : nil
    }
}

/// How even a mixture layer's load was, by Zoph et al. 2022 (arXiv 2202.08906) and the OpenMoE paper. All nil without tokens.
extension SiteSums {
    private var choices: Double { Double(chosen.reduce(0, &+)) }

    /// The load of the heaviest expert over the mean: 1 is even.
    package var maxOverMean: Double? {
        choices > 0 ? Double(chosen.max() ?? 0) * Double(chosen.count) / choices : nil
    }

    /// Standard deviation of the load over its mean: 0 is even.
    package var coefficientOfVariation: Double? {
        guard choices > 0 else { return nil }
        let mean = choices / Double(chosen.count)
        let variance = chosen.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / Double(chosen.count)
        return variance.squareRoot() / mean
    }

    /// -Σ s ln s / ln E of the shares: 1 is even, 0 one expert for all; nil of one expert.
    package var loadEntropy: Double? {
        guard choices > 0, chosen.count > 1 else { return nil }
        let shares = chosen.map { Double($0) / choices }
        return -shares.reduce(0) { $1 > 0 ? $0 + $1 * Elementary.logarithm($1) : $0 }
            / Elementary.logarithm(Double(chosen.count))
    }

    /// E Σ_e f_e P_e; the balanced value is k.
    package var balanceLoss: Double? {
        guard rows > 0, fullRows > 0 else { return nil }
        let sum = zip(chosen, full).reduce(0.0) { $0 + Double($1.0) / Double(rows) * $1.1 / Double(fullRows) }
        return Double(chosen.count) * sum
    }

    /// Mean of (ln Σ e^logit)².
    package var routerZLoss: Double? { mixture.flatMap { rows > 0 ? $0.squaredLogSums / Double(rows) : nil } }

    /// Weights of the chosen experts that a token is multiplied with, on average.
    package var costPerToken: Double? {
        guard let mixture, rows > 0 else { return nil }
        return zip(chosen, mixture.costs).reduce(0.0) { $0 + Double($1.0) * Double($1.1) } / Double(rows)
    }

    /// Pairs of experts by tokens that chose both, most first, and how many more than independent choices of the same loads would give.
    package func pairs(most: Int) -> [(first: Int, second: Int, tokens: UInt64, lift: Double)] {
        guard let mixture, !mixture.together.isEmpty else { return [] }
        var found: [(first: Int, second: Int, tokens: UInt64, lift: Double)] = []
        var place = 0
        for first in chosen.indices {
            for second in (first + 1)..<max(chosen.count, first + 1) where place < mixture.together.count {
                let tokens = mixture.together[place]
                place += 1
                guard tokens > 0 else { continue }
                let independent = Double(chosen[first]) * Double(chosen[second]) / Double(rows)
                found.append((first, second, tokens, Double(tokens) / independent))
            }
        }
        found.sort { ($1.tokens, $0.first, $0.second) < ($0.tokens, $1.first, $1.second) }
        return Array(found.prefix(most))
    }
}
