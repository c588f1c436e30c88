/// The text side of one model: prompts to ids, ids to text. Holds the vocabulary, never a weight.
package struct ModelText: Sendable {
    package let tokenizer: Tokenizer
    private let template: Result<ChatTemplate, TokenizationError>

    /// - Parameter path: a `.gguf` file, or a folder (or a file in it) with a `tokenizer.json`.
    package init(path: String) throws(TokenizationError) {
        let tokenizer = try Tokenizer(path: path)
        self.tokenizer = tokenizer
        template = Result { () throws(TokenizationError) in
            guard let jinja = tokenizer.chatTemplate else { throw .unknownChatTemplate("") }
            return try ChatTemplate.recognise(jinja)
        }
    }

    /// A conversation, ending with the head of the assistant's turn.
    /// - Throws: when the model's template is none or unknown, or the conversation is empty.
    package func encode(_ messages: [ChatMessage]) throws(TokenizationError) -> [Int32] {
        try template.get().render(messages, with: tokenizer)
    }

    /// A conversation that has been, without the head of another turn.
    /// - Throws: as `encode(_:)`.
    package func render(_ messages: [ChatMessage]) throws(TokenizationError) -> [Int32] {
        try template.get().render(messages, addGenerationPrompt: false, with: tokenizer)
    }

    /// Text as it is, after the model's begin-of-sequence token where it wants one.
    package func encode(raw text: String, parseSpecial: Bool) -> [Int32] {
        let head = tokenizer.addsBeginOfSequence ? [tokenizer.beginOfSequence].compactMap { $0 } : []
        return head + tokenizer.encode(text, parseSpecial: parseSpecial)
    }
}
