/// What tokens chose at one linear layer, summed. `kept` are the weights after top-k, `full` is the softmax over all experts and the
/// null before it, over `fullRows` of the rows.
package struct SiteSums: Sendable, Equatable, Codable {
    package var rows: UInt64 = 0
    package var keptNull = 0.0
    package var keptCommon = 0.0
    package var emptyRows: UInt64 = 0
    package var fullRows: UInt64 = 0
    package var fullNull = 0.0
    /// Nats.
    package var entropy = 0.0
    /// These four by expert id.
    package var kept: [Double] = []
    package var full: [Double] = []
    package var chosen: [UInt64] = []
    package var heaviest: [UInt64] = []
    /// `fullRows` by entropy, in equal parts of 0 ... ln(experts + 1).
    package var entropies: [UInt64] = []

    /// Only of a mixture layer.
    package var mixture: MixtureSums?

    package init() {}

    package mutating func add(_ other: SiteSums) {
        rows &+= other.rows
        keptNull += other.keptNull
        keptCommon += other.keptCommon
        emptyRows &+= other.emptyRows
        fullRows &+= other.fullRows
        fullNull += other.fullNull
        entropy += other.entropy
        Self.add(other.kept, to: &kept) { $0 + $1 }
        Self.add(other.full, to: &full) { $0 + $1 }
        Self.add(other.chosen, to: &chosen) { $0 &+ $1 }
        Self.add(other.heaviest, to: &heaviest) { $0 &+ $1 }
        Self.add(other.entropies, to: &entropies) { $0 &+ $1 }
        guard let theirs = other.mixture else { return }
        var sums = mixture ?? MixtureSums()
        sums.add(theirs)
        mixture = sums
    }

    static func add<Value: Numeric>(
        _ other: [Value], to sums: inout [Value], _ sum: (Value, Value) -> Value
    ) {
        if sums.count < other.count { sums += Array(repeating: 0, count: other.count - sums.count) }
        for (index, value) in other.enumerated() { sums[index] = sum(sums[index], value) }
    }
}

extension SiteSums {
    /// By expert id: the share of the weight kept after top-k; with null and common they sum to 1. Nil before the first row.
    package func keptShare(_ expert: Int) -> Double? { rows > 0 ? kept[expert] / Double(rows) : nil }
    package var nullShare: Double? { rows > 0 ? keptNull / Double(rows) : nil }
    /// Mean, nats.
    package var meanEntropy: Double? { fullRows > 0 ? entropy / Double(fullRows) : nil }
    /// The share of rows in which an expert weighed most: how far the others' routing agrees with always taking it.
    package func agreement(_ expert: Int) -> Double? { rows > 0 ? Double(heaviest[expert]) / Double(rows) : nil }

    /// Experts, the heaviest first, that together carry at least `share` of all experts' kept weight.
    package func carrying(_ share: Double) -> [Int] {
        let total = kept.reduce(0, +)
        guard total > 0 else { return [] }
        var carried: [Int] = []
        var sum = 0.0
        for expert in kept.indices.sorted(by: { (kept[$1], $0) < (kept[$0], $1) }) where sum < share * total {
            sum += kept[expert]
            carried.append(expert)
        }
        return carried
    }
}
