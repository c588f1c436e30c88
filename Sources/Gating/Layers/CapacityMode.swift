/// How many rows of one request's whole prompt an expert takes at one layer. The two public implementations of OpenMoE disagree.
package enum CapacityMode: Sendable, Equatable {
    /// All of them.
    case dropless
    /// ColossalAI: C = ⌊k · factor · T / E⌋, rounded up to even, at least `minimum`.
    case colossal(factor: Double, minimum: Int = 4)
    /// flaxformer: C = factor · T / E rounded to the nearest (halves to even, as Python's `round`), at least `minimum`; without k.
    case flaxformer(factor: Double, minimum: Int = 4)

    /// C for `tokens` of one request; nil where nothing is dropped. Throws for a factor or a minimum that would leave no slot.
    package func slots(tokens: Int, experts: Int, topK: Int) throws(LayerGateError) -> Int? {
        precondition(tokens >= 0 && experts > 0 && topK > 0, "\(tokens) tokens, \(experts) experts, top \(topK)")
        switch self {
        case .dropless:
            return nil
        case .colossal(let factor, let minimum):
            try Self.check(factor, minimum)
            let whole = Int((Double(topK) * factor * Double(tokens) / Double(experts)).rounded(.down))
            return max(whole + whole % 2, minimum)
        case .flaxformer(let factor, let minimum):
            try Self.check(factor, minimum)
            return max(Int((factor * Double(tokens) / Double(experts)).rounded(.toNearestOrEven)), minimum)
        }
    }

    private static func check(_ factor: Double, _ minimum: Int) throws(LayerGateError) {
        guard factor > 0, factor <= 1e6 else {
            throw LayerGateError(field: "capacity factor", problem: "is \(factor); use a number above 0, at most 1e6")
        }
        guard (1...1_000_000).contains(minimum) else {
            throw LayerGateError(field: "capacity minimum", problem: "is \(minimum); use 1 to 1000000")
        }
    }
}
