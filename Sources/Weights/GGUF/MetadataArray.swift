/// An array of GGUF metadata, left in the file: a vocabulary of 49,152 strings costs an offset of four bytes each, not
/// a `String` each. Indices are checked (a wrong one is a programmer error).
package struct MetadataArray: Sendable {
    package let elementType: MetadataType
    package let count: Int
    private let bytes: FileBytes
    private let start: Int
    /// For strings: where each one's bytes begin, relative to `start`; its length is the 64-bit word before that.
    private let textOffsets: [UInt32]

    /// Numbers and truth values: `count` of them from `start`, which the caller has checked.
    init(_ elementType: MetadataType, count: Int, at start: Int, in bytes: FileBytes) {
        self.elementType = elementType
        self.count = count
        self.start = start
        self.bytes = bytes
        textOffsets = []
    }

    /// Strings whose bytes begin at `start` + offset and lie, with the length word before them, in the file.
    init(textAt offsets: [UInt32], from start: Int, in bytes: FileBytes) {
        elementType = .text
        count = offsets.count
        self.start = start
        self.bytes = bytes
        textOffsets = offsets
    }

    /// Lends the bytes of string `index`; GGUF promises UTF-8 but nothing has checked it.
    package func withText<R, E: Error>(at index: Int, _ body: (RawSpan) throws(E) -> R) throws(E) -> R {
        let range = textRange(index)
        return try bytes.withBytes(at: range.lowerBound, length: range.count, body)
    }

    /// A copy of the bytes of string `index`.
    package func textBytes(at index: Int) -> [UInt8] {
        let range = textRange(index)
        return bytes.copy(at: range.lowerBound, length: range.count)
    }

    /// String `index`, or nil where it is not UTF-8.
    package func text(at index: Int) -> String? {
        let range = textRange(index)
        return bytes.text(at: range.lowerBound, length: range.count)
    }

    /// Number or truth value `index`; nil for an array of strings.
    package func value(at index: Int) -> MetadataValue? {
        precondition(index >= 0 && index < count, "element \(index) of \(count)")
        guard let size = elementType.byteCount else { return nil }
        return MetadataValue.scalar(elementType, in: bytes, at: start + index * size)
    }

    /// Integer `index`; nil where the element type is not an integer or the value does not fit.
    package func integer(at index: Int) -> Int? { value(at: index)?.integer }

    private func textRange(_ index: Int) -> Range<Int> {
        precondition(elementType == .text, "an array of \(elementType), not of strings")
        precondition(index >= 0 && index < count, "string \(index) of \(count)")
        let begin = start + Int(textOffsets[index])
        return begin..<begin + Int(bytes.integer(at: begin - 8, as: UInt64.self))
    }
}
