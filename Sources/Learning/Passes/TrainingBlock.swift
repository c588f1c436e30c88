/// One sequence to learn from: position i predicts token i + 1.
package struct TrainingBlock: Sendable, Equatable {
    package let tokens: [Int32]
    /// What token i counts in the loss as a prediction from those before it, 0: nothing; the first never does.
    package let weights: [Float]

    package init(tokens: [Int32], weights: [Float]) {
        precondition(!tokens.isEmpty && weights.count == tokens.count, "a block of no tokens")
        precondition(weights.allSatisfy { $0 >= 0 }, "a weight below 0")
        self.tokens = tokens
        self.weights = [0] + weights.dropFirst()
    }

    package init(tokens: [Int32], isTarget: [Bool]? = nil) {
        self.init(tokens: tokens, weights: isTarget?.map { $0 ? 1 : 0 } ?? tokens.map { _ in 1 })
    }

    package var targetCount: Int { weights.count { $0 > 0 } }
    /// What its targets count together.
    package var targetWeight: Double { weights.reduce(0) { $0 + Double($1) } }
    package var firstTarget: Int? { weights.firstIndex { $0 > 0 } }

    /// Tokens up to the last one that predicts anything.
    var readCount: Int { weights.lastIndex { $0 > 0 } ?? 0 }
    /// Tokens at the front that predict nothing.
    var silentCount: Int { (firstTarget ?? 1) - 1 }
}
