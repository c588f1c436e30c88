/// One text or conversation as tokens, and which of them are to be predicted.
package struct TrainingDocument: Sendable, Equatable {
    package let tokens: [Int32]
    package let isTarget: [Bool]
    /// What the line's `split` says; nil where it says nothing.
    package let isHeld: Bool?
    /// Whether it may be cut and joined with others: running text may, a conversation is learned from as a whole.
    package let isText: Bool
    /// File and line, for messages.
    package let place: String

    package init(tokens: [Int32], isTarget: [Bool], isHeld: Bool? = nil, isText: Bool, place: String) {
        precondition(tokens.count == isTarget.count, "\(tokens.count) tokens, \(isTarget.count) marks")
        self.tokens = tokens
        self.isTarget = isTarget
        self.isHeld = isHeld
        self.isText = isText
        self.place = place
    }
}
