/// A recursive-descent JSON reader with bounds on depth and on the number of values. Foundation's keeps the last of two
/// equal keys, which would let a file show one shape to this reader and another to the next.
struct JSONParser {
    private let source: UnsafeRawBufferPointer
    private let file: String
    private let field: String
    private var position = 0
    private var depth = 0
    private var values = 0

    /// Parses exactly `length` bytes from `offset`, which the caller has checked.
    static func parse(
        _ bytes: FileBytes, at offset: Int, length: Int, field: String
    ) throws(WeightsError) -> JSONValue {
        defer { extendLifetime(bytes) }
        var parser = JSONParser(source: bytes.pointer(at: offset, length: length), file: bytes.file, field: field)
        let value = try parser.value()
        parser.skipSpace()
        guard parser.position == parser.source.count else { throw parser.malformed("text after the document") }
        return value
    }

    private init(source: UnsafeRawBufferPointer, file: String, field: String) {
        self.source = source
        self.file = file
        self.field = field
    }

    private func malformed(_ detail: String) -> WeightsError {
        WeightsError(.malformed, file: file, field: field, "byte \(position): \(detail)")
    }

    private var next: UInt8? { position < source.count ? source[position] : nil }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func value() throws(WeightsError) -> JSONValue {
        values += 1
        guard values <= Limits.jsonValuesMax else {
            throw WeightsError(.overLimit, file: file, field: field, "more than \(Limits.jsonValuesMax) values")
        }
        skipSpace()
        switch next {
        case UInt8(ascii: "{"): return try nested { parser throws(WeightsError) in try parser.object() }
        case UInt8(ascii: "["): return try nested { parser throws(WeightsError) in try parser.array() }
        case UInt8(ascii: "\""): return .text(try text())
        case UInt8(ascii: "t"): return try word("true", .boolean(true))
        case UInt8(ascii: "f"): return try word("false", .boolean(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case nil: throw WeightsError(.truncated, file: file, field: field, "ends where a value should begin")
        default: return try number()
        }
    }

    private mutating func nested(
        _ body: (inout JSONParser) throws(WeightsError) -> JSONValue
    ) throws(WeightsError) -> JSONValue {
        guard depth < Limits.jsonDepthMax else {
            throw WeightsError(.overLimit, file: file, field: field, "nested deeper than \(Limits.jsonDepthMax)")
        }
        depth += 1
        position += 1
        defer { depth -= 1 }
        return try body(&self)
    }

    private mutating func object() throws(WeightsError) -> JSONValue {
        var members: [ExactText: JSONValue] = [:]
        skipSpace()
        if take("}") { return .object(members) }
        repeat {
            skipSpace()
            guard next == UInt8(ascii: "\"") else { throw malformed("expected a key in quotes") }
            let key = try text()
            skipSpace()
            guard take(":") else { throw malformed("expected a colon after key \(key)") }
            guard members.updateValue(try value(), forKey: ExactText(key)) == nil else {
                throw malformed("key \(key) appears twice")
            }
            skipSpace()
        } while take(",")
        guard take("}") else { throw malformed("expected a comma or a closing brace") }
        return .object(members)
    }

    private mutating func array() throws(WeightsError) -> JSONValue {
        var elements: [JSONValue] = []
        skipSpace()
        if take("]") { return .array(elements) }
        repeat {
            elements.append(try value())
            skipSpace()
        } while take(",")
        guard take("]") else { throw malformed("expected a comma or a closing bracket") }
        return .array(elements)
    }

    private mutating func word(_ spelling: StaticString, _ value: JSONValue) throws(WeightsError) -> JSONValue {
        let end = position + spelling.utf8CodeUnitCount
        guard end <= source.count, "\(spelling)".utf8.elementsEqual(source[position..<end]) else {
            throw malformed("expected \(spelling)")
        }
        position = end
        return value
    }

    /// number = [-] (0 | 1-9 digits) [. digits] [e [+-] digits]; the grammar is checked here, the conversion is the
    /// library's.
    private mutating func number() throws(WeightsError) -> JSONValue {
        let start = position
        _ = take("-")
        if !take("0") { try digits() }
        var isInteger = true
        if take(".") {
            isInteger = false
            try digits()
        }
        if take("e") || take("E") {
            isInteger = false
            if !take("+") { _ = take("-") }
            try digits()
        }
        // Longer than any number of use; keeps the conversion's cost bounded.
        guard position - start <= 1024 else { throw malformed("a number of \(position - start) characters") }
        let spelling = String(decoding: source[start..<position], as: UTF8.self)
        if isInteger, let value = Int(spelling) { return .integer(value) }
        guard let value = Double(spelling), value.isFinite else { throw malformed("\(spelling) is out of range") }
        return .number(value)
    }

    private mutating func digits() throws(WeightsError) {
        let start = position
        while let byte = next, (0x30...0x39).contains(byte) { position += 1 }
        guard position > start else { throw malformed("expected a value or a digit") }
    }
}

extension JSONParser {
    private mutating func text() throws(WeightsError) -> String {
        position += 1
        let start = position
        while let byte = next, byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") { position += 1 }
        if next == UInt8(ascii: "\"") {
            defer { position += 1 }
            return try decoded(source[start..<position])
        }
        return try escapedText(from: start)
    }

    private func decoded(_ bytes: some Collection<UInt8>) throws(WeightsError) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw malformed("a string is not valid UTF-8")
        }
        return text
    }

    /// The rest of a string that holds an escape; `start` is where its text began.
    private mutating func escapedText(from start: Int) throws(WeightsError) -> String {
        var collected = [UInt8](source[start..<position])
        while let byte = next {
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return try decoded(collected)
            case UInt8(ascii: "\\"): collected.append(contentsOf: String(try escape()).utf8)
            case 0..<0x20: throw malformed("a control character in a string")
            default: collected.append(byte)
            }
        }
        throw WeightsError(.truncated, file: file, field: field, "ends inside a string")
    }

    private mutating func escape() throws(WeightsError) -> Unicode.Scalar {
        guard let byte = next else { throw WeightsError(.truncated, file: file, field: field, "ends inside an escape") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try unicodeEscape()
        default: throw malformed("an unknown escape")
        }
    }

    /// \uXXXX, two of them for a character beyond the basic plane; half a pair is an error.
    private mutating func unicodeEscape() throws(WeightsError) -> Unicode.Scalar {
        let first = try codeUnit()
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard UTF16.isLeadSurrogate(first), take("\\"), take("u") else { throw malformed("half a surrogate pair") }
        let second = try codeUnit()
        guard UTF16.isTrailSurrogate(second) else { throw malformed("half a surrogate pair") }
        let value = 0x10000 + (UInt32(first) - 0xD800) << 10 + (UInt32(second) - 0xDC00)
        guard let scalar = Unicode.Scalar(value) else { throw malformed("not a character") }
        return scalar
    }

    private mutating func codeUnit() throws(WeightsError) -> UInt16 {
        guard source.count - position >= 4 else { throw malformed("an escape needs four digits") }
        var value: UInt16 = 0
        for _ in 0..<4 {
            guard let digit = Character(Unicode.Scalar(source[position])).hexDigitValue else {
                throw malformed("an escape needs four digits")
            }
            value = value << 4 | UInt16(digit)
            position += 1
        }
        return value
    }
}
