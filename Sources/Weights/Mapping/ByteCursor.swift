/// Reads a header front to back. Each read names its field, and fails with that name when the file ends too soon.
struct ByteCursor {
    let bytes: FileBytes
    private(set) var offset: Int

    init(_ bytes: FileBytes, at offset: Int = 0) {
        self.bytes = bytes
        self.offset = offset
    }

    var remaining: Int { bytes.count - offset }

    /// Steps over `length` bytes and returns where they begin.
    mutating func skip(_ length: Int, _ field: @autoclosure () -> String) throws(WeightsError) -> Int {
        guard length >= 0, length <= remaining else {
            throw WeightsError(
                .truncated, file: bytes.file, field: field(),
                "needs \(length) bytes at offset \(offset), the file has \(remaining) left")
        }
        defer { offset += length }
        return offset
    }

    mutating func integer<T: FixedWidthInteger>(
        _ type: T.Type, _ field: @autoclosure () -> String
    ) throws(WeightsError) -> T {
        bytes.integer(at: try skip(MemoryLayout<T>.size, field()), as: type)
    }

    /// A 64-bit count of things that take at least `bytesEach` bytes of the rest of the file: a lie is found here,
    /// before anybody allocates for it.
    mutating func count(
        max: Int, bytesEach: Int, _ field: @autoclosure () -> String
    ) throws(WeightsError) -> Int {
        let claimed = try integer(UInt64.self, field())
        guard claimed <= UInt64(max) else {
            throw WeightsError(.overLimit, file: bytes.file, field: field(), "\(claimed) is over the limit of \(max)")
        }
        guard Int(claimed) <= remaining / bytesEach else {
            throw WeightsError(
                .truncated, file: bytes.file, field: field(),
                "\(claimed) items of at least \(bytesEach) bytes do not fit in the \(remaining) bytes left")
        }
        return Int(claimed)
    }

    /// A GGUF string: a 64-bit length, then the bytes; returned as the place of the bytes.
    mutating func textRange(max: Int, _ field: @autoclosure () -> String) throws(WeightsError) -> Range<Int> {
        let length = try count(max: max, bytesEach: 1, "\(field()) length")
        let start = try skip(length, field())
        return start..<start + length
    }

    mutating func text(max: Int, _ field: @autoclosure () -> String) throws(WeightsError) -> String {
        let range = try textRange(max: max, field())
        guard let text = bytes.text(at: range.lowerBound, length: range.count) else {
            throw WeightsError(.malformed, file: bytes.file, field: field(), "not valid UTF-8")
        }
        return text
    }
}
