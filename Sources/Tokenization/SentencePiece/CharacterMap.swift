/// The compiled normalisation rules of a SentencePiece model (`precompiled_charsmap`): a double array over UTF-8 keys and their
/// replacements. Made elsewhere, so every step through it is checked against its end.
///
/// Layout: a 32-bit length n, n bytes of 32-bit units, then replacements, each ended by a zero byte (little-endian). A unit holds a label,
/// an offset and whether a value lies below (darts-clone, `darts.h`, class DoubleArrayUnit).
package struct CharacterMap: Sendable, Equatable {
    private let units: [UInt32]
    private let replacements: [UInt8]

    package static let bytesMax = 1 << 24

    /// nil for an empty map: nothing is replaced.
    package init?(_ bytes: [UInt8], field: String) throws(TokenizationError) {
        guard !bytes.isEmpty else { return nil }
        try VocabularyLimits.check(field, bytes.count, Self.bytesMax)
        func word(_ at: Int) -> UInt32 {
            (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[at + $1]) << UInt32(8 * $1) }
        }
        guard bytes.count > 4, case let length = Int(word(0)), length % 4 == 0, length >= 4, length <= bytes.count - 4
        else {
            throw .malformed(field: field, reason: "its double array does not fit in its \(bytes.count) bytes")
        }
        units = (0..<length / 4).map { word(4 + 4 * $0) }
        replacements = Array(bytes[(4 + length)...])
        guard replacements.last == 0 else {
            throw .malformed(field: field, reason: "its last replacement has no end")
        }
    }

    /// A key found at a place of a text.
    struct Match {
        /// In bytes.
        let length: Int
        /// Where its replacement begins.
        let value: Int
    }

    /// The longest key that `text` has at `start`.
    func longest(in text: Span<UInt8>, at start: Int) -> Match? {
        var found: Match?
        walk(text, start..<text.count) { match in
            found = match
            return true
        }
        return found
    }

    /// The shortest key that begins `text[range]`; a zero byte ends the search (as in spm_precompiled).
    func shortest(in text: Span<UInt8>, _ range: Range<Int>) -> Match? {
        var found: Match?
        let end = range.first { text[$0] == 0 } ?? range.upperBound
        walk(text, range.lowerBound..<end) { match in
            found = match
            return false
        }
        return found
    }

    /// The bytes that take the place of a key.
    func replacement(_ match: Match) -> ArraySlice<UInt8> {
        guard match.value < replacements.count else { return [] }
        let end = replacements[match.value...].firstIndex(of: 0) ?? replacements.count
        return replacements[match.value..<end]
    }

    /// Calls `found` with each key along the way, until it says false.
    private func walk(_ text: Span<UInt8>, _ range: Range<Int>, _ found: (Match) -> Bool) {
        var node = Self.offset(units[0])
        for index in range {
            node ^= Int(text[index])
            guard node < units.count, units[node] & (1 << 31 | 0xFF) == UInt32(text[index]) else { return }
            let unit = units[node]
            node ^= Self.offset(unit)
            guard unit >> 8 & 1 == 1 else { continue }
            guard node < units.count else { return }
            let match = Match(length: index + 1 - range.lowerBound, value: Int(units[node] & (1 << 31 - 1)))
            if !found(match) { return }
        }
    }

    private static func offset(_ unit: UInt32) -> Int { Int((unit >> 10) << ((unit & (1 << 9)) >> 6)) }
}
