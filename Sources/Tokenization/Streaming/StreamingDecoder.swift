/// Ids to text as they come, whole characters only.
///
/// A byte that begins a character is held until the character is complete or can no longer become one; then U+FFFD takes
/// the place of what was held, once for each maximal part, as in Python's incremental UTF-8 decoder with `replace`.
package struct StreamingDecoder: Sendable {
    private let tokenizer: Tokenizer
    private let skipsSpecial: Bool
    private var stream = UTF8Stream()

    package init(_ tokenizer: Tokenizer, skippingSpecial: Bool = true) {
        self.tokenizer = tokenizer
        skipsSpecial = skippingSpecial
    }

    /// The text that `id` completes; empty when it ends within a character.
    package mutating func append(_ id: Int32) -> String {
        if skipsSpecial && tokenizer.isSpecial(id) { return "" }
        return append(bytes: tokenizer.piece(id))
    }

    /// The end of the stream: what is still held can no longer become a character.
    package mutating func finish() -> String { stream.finish() }

    /// The text that `bytes` complete.
    package mutating func append(bytes: [UInt8]) -> String { stream.append(bytes) }
}
