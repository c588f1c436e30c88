/// The argument of a functional token, as bytes: `("` text `")`, at most so many bytes of text.
///
/// In the text an apostrophe is itself; a double quote, a backslash, a newline and a tab are `\"`, `\\`, `\n`, `\t`; other control
/// bytes do not occur, and the bytes are valid UTF-8 (Unicode 15, table 3-7). A byte is taken only if the text can still be completed
/// within the bound, so what was decoded byte by byte under the grammar always ends well formed.
package struct RewriteGrammar: Equatable, Sendable {
    private enum State: Equatable {
        case start, opened
        case text
        case escape
        /// Continuation bytes to come; the next one is in the range.
        case character(left: Int, next: ClosedRange<UInt8>)
        case closing
        case complete
    }

    private var state = State.start
    private var bytesLeft: Int

    /// - Parameter textBytesMax: of the text as written, escapes included.
    package init(textBytesMax: Int) {
        precondition(textBytesMax >= 0, "\(textBytesMax) bytes of text")
        bytesLeft = textBytesMax
    }

    /// After the closing parenthesis; only the end token may follow.
    package var isComplete: Bool { state == .complete }

    /// Whether a token of these bytes may come next. An empty token may not: it would bring the end no nearer.
    package func allows(_ token: [UInt8]) -> Bool {
        var copy = self
        return !token.isEmpty && token.allSatisfy { copy.take($0) }
    }

    /// Which tokens of a vocabulary may come next.
    package func mask(_ vocabulary: [[UInt8]]) -> [Bool] { vocabulary.map(allows) }

    /// false: not allowed here, and nothing changed.
    package mutating func take(_ byte: UInt8) -> Bool {
        guard let (next, cost) = step(byte), cost <= bytesLeft else { return false }
        state = next
        // A character is paid for at its first byte, an escape at its backslash.
        bytesLeft -= cost
        return true
    }

    private func step(_ byte: UInt8) -> (State, cost: Int)? {
        switch state {
        case .start: byte == UInt8(ascii: "(") ? (.opened, 0) : nil
        case .opened: byte == UInt8(ascii: "\"") ? (.text, 0) : nil
        case .text: Self.inText(byte)
        case .escape: Self.unescaped(byte) == nil ? nil : (.text, 0)
        case .character(let left, let next):
            next.contains(byte) ? (left == 1 ? .text : .character(left: left - 1, next: 0x80...0xBF), 0) : nil
        case .closing: byte == UInt8(ascii: ")") ? (.complete, 0) : nil
        case .complete: nil
        }
    }

    private static func inText(_ byte: UInt8) -> (State, cost: Int)? {
        switch byte {
        case UInt8(ascii: "\""): (.closing, 0)
        case UInt8(ascii: "\\"): (.escape, 2)
        case 0x20...0x7E: (.text, 1)
        case 0xC2...0xDF: (.character(left: 1, next: 0x80...0xBF), 2)
        case 0xE0: (.character(left: 2, next: 0xA0...0xBF), 3)
        case 0xED: (.character(left: 2, next: 0x80...0x9F), 3)
        case 0xE1...0xEF: (.character(left: 2, next: 0x80...0xBF), 3)
        case 0xF0: (.character(left: 3, next: 0x90...0xBF), 4)
        case 0xF1...0xF3: (.character(left: 3, next: 0x80...0xBF), 4)
        case 0xF4: (.character(left: 3, next: 0x80...0x8F), 4)
        default: nil
        }
    }

    static func unescaped(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): byte
        case UInt8(ascii: "n"): UInt8(ascii: "\n")
        case UInt8(ascii: "t"): UInt8(ascii: "\t")
        default: nil
        }
    }
}
