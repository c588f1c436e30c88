/// Fields of a protocol buffer message, one after another; every length is checked against the end of its message.
struct ProtobufReader {
    enum Value {
        case integer(UInt64)
        /// Of a number of 32 bits.
        case word(UInt32)
        /// Bytes, a string or a message: where they lie.
        case range(Range<Int>)
        /// A number of 64 bits, which no field that is read here has.
        case skipped
    }

    let bytes: [UInt8]
    /// For errors.
    let file: String
    private var position: Int
    private let end: Int

    init(_ bytes: [UInt8], file: String) {
        self.init(bytes, 0..<bytes.count, file: file)
    }

    private init(_ bytes: [UInt8], _ range: Range<Int>, file: String) {
        self.bytes = bytes
        self.file = file
        position = range.lowerBound
        end = range.upperBound
    }

    /// The message inside `range`, which a field of this one gave.
    func message(_ range: Range<Int>) -> ProtobufReader { ProtobufReader(bytes, range, file: file) }

    func text(_ range: Range<Int>) throws(TokenizationError) -> String {
        guard let text = String(validating: bytes[range], as: UTF8.self) else {
            throw malformed("the string at byte \(range.lowerBound) is not UTF-8")
        }
        return text
    }

    /// The next field's number and value; nil at the end.
    mutating func next() throws(TokenizationError) -> (field: Int, value: Value)? {
        guard position < end else { return nil }
        let key = try integer()
        guard let field = Int(exactly: key >> 3), field > 0 else { throw malformed("no field has the number 0") }
        switch key & 7 {
        case 0: return (field, .integer(try integer()))
        case 1:
            _ = try take(8)
            return (field, .skipped)
        case 2:
            let length = try integer()
            guard let count = Int(exactly: length) else { throw malformed("a length of \(length)") }
            return (field, .range(try take(count)))
        case 5:
            let range = try take(4)
            return (field, .word(range.reversed().reduce(UInt32(0)) { $0 << 8 | UInt32(bytes[$1]) }))
        default: throw malformed("the wire type \(key & 7) at byte \(position)")
        }
    }

    private mutating func integer() throws(TokenizationError) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            let byte = bytes[try take(1).lowerBound]
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        throw malformed("an integer of over ten bytes before byte \(position)")
    }

    private mutating func take(_ count: Int) throws(TokenizationError) -> Range<Int> {
        guard count <= end - position else {
            throw malformed("\(count) bytes at byte \(position) reach beyond the end of their message at \(end)")
        }
        defer { position += count }
        return position..<position + count
    }

    private func malformed(_ reason: String) -> TokenizationError { .malformed(field: file, reason: reason) }
}
