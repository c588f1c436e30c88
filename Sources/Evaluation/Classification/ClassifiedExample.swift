/// What a classifier made of one example.
package struct ClassifiedExample: Sendable, Equatable {
    /// The right class.
    package let label: Int
    /// One share per class, summing to 1.
    package let shares: [Double]

    package init(label: Int, shares: [Double]) {
        precondition(shares.indices.contains(label), "class \(label) of \(shares.count)")
        self.label = label
        self.shares = shares
    }

    /// The class with the largest share; of equal ones the first.
    package var choice: Int {
        var best = 0
        for (index, share) in shares.enumerated() where share > shares[best] { best = index }
        return best
    }

    package var isRight: Bool { choice == label }
    package var confidence: Double { shares[choice] }

    /// Σ_c (p_c - [c = label])² (Brier 1950): 0 is perfect, 2 is certain and wrong.
    package var brier: Double {
        shares.enumerated().reduce(0) { sum, pair in
            let gap = pair.element - (pair.offset == label ? 1 : 0)
            return sum + gap * gap
        }
    }
}
