/// One text or conversation as tokens, and which of them are to be predicted.
package struct TrainingDocument: Sendable, Equatable {
    package let tokens: [Int32]
    /// What token i counts as a prediction; 0: it is context.
    package let weights: [Float]
    /// What the line's `split` says; nil where it says nothing.
    package let isHeld: Bool?
    /// Whether it may be cut and joined with others: running text may, a conversation is learned from as a whole.
    package let isText: Bool
    /// File and line, for messages.
    package let place: String

    package init(tokens: [Int32], weights: [Float], isHeld: Bool? = nil, isText: Bool, place: String) {
        precondition(tokens.count == weights.count, "\(tokens.count) tokens, \(weights.count) weights")
        self.tokens = tokens
        self.weights = weights
        self.isHeld = isHeld
        self.isText = isText
        self.place = place
    }

    package init(tokens: [Int32], isTarget: [Bool], isHeld: Bool? = nil, isText: Bool, place: String) {
        self.init(
            tokens: tokens, weights: isTarget.map { $0 ? 1 : 0 }, isHeld: isHeld, isText: isText, place: place)
    }

    package var isTarget: [Bool] { weights.map { $0 > 0 } }
}
