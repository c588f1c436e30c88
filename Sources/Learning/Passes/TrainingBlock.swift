/// One sequence to learn from: position i predicts token i + 1.
package struct TrainingBlock: Sendable, Equatable {
    package let tokens: [Int32]
    /// Whether token i counts in the loss as a prediction from those before it; the first never does.
    package let isTarget: [Bool]

    package init(tokens: [Int32], isTarget: [Bool]? = nil) {
        precondition(!tokens.isEmpty && (isTarget?.count ?? tokens.count) == tokens.count, "a block of no tokens")
        self.tokens = tokens
        self.isTarget = isTarget ?? Array(repeating: true, count: tokens.count)
    }

    package var targetCount: Int { isTarget.dropFirst().count { $0 } }
}
