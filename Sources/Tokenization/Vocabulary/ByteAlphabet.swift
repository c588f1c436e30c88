/// The byte-level alphabet of GPT-2: each byte has a printable character, so that a vocabulary is text.
///
/// Printable Latin-1 bytes stand for themselves; the others, in order, take U+0100, U+0101, … (`bytes_to_unicode` in
/// OpenAI's `encoder.py`).
enum ByteAlphabet {
    /// The byte of each character below U+0144; -1 where there is none.
    private static let byteOfScalar: [Int16] = {
        var table = [Int16](repeating: -1, count: 0x144)
        var next = 0x100
        for byte in 0..<256 {
            let isPrintable = (0x21...0x7E).contains(byte) || (0xA1...0xAC).contains(byte) || byte >= 0xAE
            table[isPrintable ? byte : next] = Int16(byte)
            if !isPrintable { next += 1 }
        }
        return table
    }()

    /// Appends to `raw` the bytes that `text` (UTF-8 of alphabet characters) stands for; false when `text` has another character.
    static func decode(_ text: ArraySlice<UInt8>, appendingTo raw: inout [UInt8]) -> Bool {
        var index = text.startIndex
        while index < text.endIndex {
            var scalar = Int(text[index])
            if scalar >= 0x80 {
                // The alphabet ends at U+0143: only two-byte sequences can belong to it.
                guard scalar & 0xE0 == 0xC0, index + 1 < text.endIndex, text[index + 1] & 0xC0 == 0x80 else {
                    return false
                }
                scalar = (scalar & 0x1F) << 6 | Int(text[index + 1] & 0x3F)
                index += 1
            }
            guard scalar < byteOfScalar.count, byteOfScalar[scalar] >= 0 else { return false }
            raw.append(UInt8(byteOfScalar[scalar]))
            index += 1
        }
        return true
    }
}
