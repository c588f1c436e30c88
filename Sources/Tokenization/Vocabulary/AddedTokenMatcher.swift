/// Finds added tokens in text, leftmost first and the longest of those, with the flags of `tokenizer.json`.
struct AddedTokenMatcher: Sendable {
    enum Part: Equatable {
        case text(Range<Int>)
        case token(Int32)
    }

    private struct Candidate: Sendable {
        var bytes: [UInt8]
        var token: VocabularySource.AddedToken
    }

    /// By first byte, longest first.
    private var candidates: [[Candidate]] = Array(repeating: [], count: 256)
    private(set) var isEmpty = true

    init(_ tokens: some Sequence<VocabularySource.AddedToken>, normalizing: (([UInt8]) -> [UInt8])? = nil) {
        for token in tokens {
            let bytes = normalizing?(Array(token.text.utf8)) ?? Array(token.text.utf8)
            candidates[Int(bytes[0])].append(Candidate(bytes: bytes, token: token))
            isEmpty = false
        }
        for byte in 0..<256 { candidates[byte].sort { $0.bytes.count > $1.bytes.count } }
    }

    /// Cuts `text` into added tokens and what lies between them.
    func split(_ text: [UInt8]) -> [Part] {
        var parts: [Part] = []
        var covered = 0
        var position = 0
        while position < text.count {
            guard let match = candidate(at: position, of: text) else {
                position += 1
                continue
            }
            let start = position
            position += match.bytes.count
            if match.token.isSingleWord && Self.touchesWord(text, start..<position) { continue }
            guard start >= covered else { continue }
            let from = match.token.stripsLeft ? max(covered, Self.startOfSpaces(text, before: start)) : start
            if from > covered { parts.append(.text(covered..<from)) }
            parts.append(.token(match.token.id))
            covered = match.token.stripsRight ? Self.endOfSpaces(text, after: position) : position
        }
        if covered < text.count { parts.append(.text(covered..<text.count)) }
        return parts
    }

    private func candidate(at position: Int, of text: [UInt8]) -> Candidate? {
        candidates[Int(text[position])].first { text[position...].starts(with: $0.bytes) }
    }

    private static func startOfSpaces(_ text: [UInt8], before end: Int) -> Int {
        var start = end
        while let scalar = scalar(of: text, before: start), ScalarClasses.shared[scalar.value] == .space {
            start -= UTF8.width(scalar)
        }
        return start
    }

    private static func endOfSpaces(_ text: [UInt8], after start: Int) -> Int {
        var end = start
        while let scalar = scalar(of: text, after: end), ScalarClasses.shared[scalar.value] == .space {
            end += UTF8.width(scalar)
        }
        return end
    }

    private static func touchesWord(_ text: [UInt8], _ range: Range<Int>) -> Bool {
        [scalar(of: text, before: range.lowerBound), scalar(of: text, after: range.upperBound)]
            .contains { $0.map(isWordScalar) ?? false }
    }

    /// Four bytes are enough for one scalar; what else lies among them does not matter.
    private static func scalar(of text: [UInt8], before end: Int) -> Unicode.Scalar? {
        String(decoding: text[max(0, end - 4)..<end], as: UTF8.self).unicodeScalars.last
    }

    private static func scalar(of text: [UInt8], after start: Int) -> Unicode.Scalar? {
        String(decoding: text[start..<min(start + 4, text.count)], as: UTF8.self).unicodeScalars.first
    }

    /// `\w`: alphabetic, mark, decimal digit, connector punctuation, join control.
    private static func isWordScalar(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation: true
        default: scalar.properties.isAlphabetic || scalar.properties.isJoinControl
        }
    }
}
