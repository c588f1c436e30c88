import PortableMath

/// What tokens chose at one mixture layer, counted. Memory is E² numbers at most, however many tokens there are.
package struct LayerLoad: Sendable, Equatable {
    package let expertCount: Int
    package private(set) var tokens = 0
    /// Tokens that each expert got, [E].
    package private(set) var rows: [Int]
    /// Tokens whose first choice each expert was, [E].
    package private(set) var firsts: [Int]
    /// Σ of the weights that each expert got, [E].
    package private(set) var weights: [Double]
    /// How often experts a and b were chosen for one token, at a · E + b; both orders.
    private var pairs: [Int]
    /// Σ over tokens of the softmax over all experts, [E].
    package private(set) var probabilities: [Double]
    /// Σ over tokens of that softmax's entropy, nats.
    package private(set) var entropy = 0.0
    /// Σ over tokens of (ln Σ e^logit)².
    package private(set) var squaredLogSums = 0.0

    /// Most experts whose pairs are counted: their number bounds memory.
    package static let pairedExpertsMax = 512

    package init(experts: Int) {
        precondition((1...LayerGate.expertsMax).contains(experts), "\(experts) experts")
        expertCount = experts
        rows = [Int](repeating: 0, count: experts)
        firsts = rows
        weights = [Double](repeating: 0, count: experts)
        pairs = [Int](repeating: 0, count: experts <= Self.pairedExpertsMax ? experts * experts : 0)
        probabilities = [Double](repeating: 0, count: experts)
    }

    /// logits: [E], finite, what the choice was made from.
    package mutating func add(_ choice: LayerChoice, logits: Span<Float>) {
        precondition(logits.count == expertCount, "\(logits.count) logits for \(expertCount) experts")
        tokens += 1
        if let first = choice.experts.first { firsts[Int(first)] += 1 }
        for (expert, weight) in zip(choice.experts, choice.weights) {
            rows[Int(expert)] += 1
            weights[Int(expert)] += Double(weight)
            for other in choice.experts where !pairs.isEmpty && other != expert {
                pairs[Int(expert) * expertCount + Int(other)] += 1
            }
        }
        addProbabilities(logits)
    }

    private mutating func addProbabilities(_ logits: Span<Float>) {
        var top = -Double.infinity
        for expert in 0..<expertCount { top = max(top, Double(logits[expert])) }
        let parts = (0..<expertCount).map { Elementary.exponential(Double(logits[$0]) - top) }
        let sum = parts.reduce(0, +)
        let logSum = top + Elementary.logarithm(sum)
        // H = ln Σ e^x - Σ p x.
        var entropy = logSum
        for expert in 0..<expertCount {
            let probability = parts[expert] / sum
            probabilities[expert] += probability
            entropy -= probability * Double(logits[expert])
        }
        squaredLogSums += logSum * logSum
        self.entropy += entropy
    }
}

extension LayerLoad {
    private var assignments: Int { rows.reduce(0, +) }

    /// The share of all assignments that each expert got, [E]; zeros without tokens.
    package var shares: [Double] {
        let all = Double(max(assignments, 1))
        return rows.map { Double($0) / all }
    }

    /// Standard deviation of the load over its mean: 0 is even. nil without tokens.
    package var coefficientOfVariation: Double? {
        guard assignments > 0 else { return nil }
        let even = 1 / Double(expertCount)
        let variance = shares.reduce(0) { $0 + ($1 - even) * ($1 - even) } / Double(expertCount)
        return variance.squareRoot() / even
    }

    /// The heaviest expert's load over the mean: 1 is even. nil without tokens.
    package var maxOverMean: Double? {
        guard assignments > 0 else { return nil }
        return (shares.max() ?? 0) * Double(expertCount)
    }

    /// -Σ s ln s / ln E: 1 is even, 0 is one expert for all. nil without tokens, or of one expert.
    package var normalisedEntropy: Double? {
        guard assignments > 0, expertCount > 1 else { return nil }
        let entropy = shares.reduce(0) { $1 > 0 ? $0 - $1 * Elementary.logarithm($1) : $0 }
        return entropy / Elementary.logarithm(Double(expertCount))
    }

    /// E Σ_i f_i P_i: f_i the fraction of tokens that chose i, P_i the mean of the softmax over all. The balanced value is k. nil without
    /// tokens.
    package var balanceLoss: Double? {
        guard tokens > 0 else { return nil }
        let count = Double(tokens)
        return Double(expertCount)
            * zip(rows, probabilities).reduce(0) { $0 + Double($1.0) / count * ($1.1 / count) }
    }

    /// Mean of (ln Σ e^logit)²; nil without tokens.
    package var routerZLoss: Double? { tokens > 0 ? squaredLogSums / Double(tokens) : nil }

    /// Tokens by pair of experts a < b, a slowest; empty where there are over `pairedExpertsMax`.
    package var together: [Int] {
        guard !pairs.isEmpty else { return [] }
        return (0..<expertCount).flatMap { first in pairs[(first * expertCount + first + 1)..<(first + 1) * expertCount]
        }
    }

    /// Two experts that meet at tokens.
    package struct Pair: Sendable, Equatable {
        package let first: Int
        package let second: Int
        package let tokens: Int
        /// Tokens of both over what independent choices of the same loads would give.
        package let lift: Double
    }

    /// Pairs by tokens, most first; of equal ones the lower ids first.
    package func coActivation(most: Int) -> [Pair] {
        guard !pairs.isEmpty else { return [] }
        var found: [Pair] = []
        for first in 0..<expertCount {
            for second in first + 1..<max(expertCount, first + 1) {
                let together = pairs[first * expertCount + second]
                guard together > 0 else { continue }
                let independent = Double(rows[first]) * Double(rows[second]) / Double(tokens)
                found.append(Pair(first: first, second: second, tokens: together, lift: Double(together) / independent))
            }
        }
        found.sort { ($1.tokens, $0.first, $0.second) < ($0.tokens, $1.first, $1.second) }
        return Array(found.prefix(most))
    }
}
