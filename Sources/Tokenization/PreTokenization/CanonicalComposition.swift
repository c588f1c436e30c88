@_spi(_Unicode) import Swift

/// Unicode normalisation form C, with a quick check: most text is in it already.
///
/// The standard library's own tables do the work (`_nfc`, the only form offered without ICU); the tests compare it with
/// the `tokenizers` library over every scalar.
enum CanonicalComposition {
    static func normalize(_ text: [UInt8]) -> [UInt8] {
        if isComposed(text) { return text }
        var composed: [UInt8] = []
        composed.reserveCapacity(text.count)
        for scalar in String(decoding: text, as: UTF8.self)._nfc {
            composed.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
        }
        return composed
    }

    /// True when every scalar is of a range that neither decomposes, nor composes with a scalar before it, nor reorders:
    /// all below U+0300, Greek and Cyrillic letters, Arabic letters, Thai consonants, kana, Han and Hangul syllables.
    private static func isComposed(_ text: [UInt8]) -> Bool {
        guard let first = text.firstIndex(where: { $0 >= 0xCC }) else { return true }
        for scalar in String(decoding: text[first...], as: UTF8.self).unicodeScalars
        where scalar.value >= 0x300 && !safeRanges.contains(where: { $0.contains(scalar.value) }) { return false }
        return true
    }

    static let safeRanges: [ClosedRange<UInt32>] = [
        0x388...0x3FF, 0x400...0x482, 0x48A...0x52F, 0x620...0x64A, 0xE01...0xE30, 0x2010...0x2027, 0x3041...0x3096,
        0x30A1...0x30FA, 0x4E00...0x9FFF, 0xAC00...0xD7A3, 0x1F300...0x1FAFF,
    ]
}
