import Tokenization

/// A conversation as a model sees it: in every assistant's turn the content and the token that ends it are targets, the rest is context.
struct Conversation {
    let tokens: [Int32]
    let isTarget: [Bool]

    init(_ messages: [ChatMessage], _ text: ModelText) throws(TokenizationError) {
        let whole = try text.render(messages)
        let ends = Set(text.tokenizer.endOfGeneration)
        var isTarget = [Bool](repeating: false, count: whole.count)
        for (index, message) in messages.enumerated() where message.role == .assistant {
            // What is before an answer: the turns so far and the head of the assistant's. A first answer has nothing before it but that.
            let head = index == 0 ? [] : try text.encode(Array(messages[..<index]))
            let upTo = try text.render(Array(messages[...index]))
            let start = Self.commonCount(head, whole)
            let reached = Self.commonCount(upTo, whole)
            let stop = (start..<max(start, reached)).last { ends.contains(whole[$0]) }.map { $0 + 1 } ?? reached
            for place in start..<max(start, stop) { isTarget[place] = true }
        }
        tokens = whole
        self.isTarget = isTarget
    }

    func document(_ isHeld: Bool?, _ place: String) -> TrainingDocument {
        TrainingDocument(tokens: tokens, isTarget: isTarget, isHeld: isHeld, isText: false, place: place)
    }

    private static func commonCount(_ a: [Int32], _ b: [Int32]) -> Int {
        zip(a, b).prefix { $0 == $1 }.count
    }
}
