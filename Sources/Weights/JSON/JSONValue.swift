/// A JSON document as a value (RFC 8259). Numbers written as integers that fit stay exact.
package enum JSONValue: Sendable, Equatable {
    case null
    case boolean(Bool)
    case integer(Int)
    case number(Double)
    case text(String)
    case array([JSONValue])
    case object([ExactText: JSONValue])

    package subscript(key: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members[ExactText(key)]
    }

    package var isNull: Bool { self == .null }

    package var integerValue: Int? {
        guard case .integer(let value) = self else { return nil }
        return value
    }

    package var numberValue: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }

    package var booleanValue: Bool? {
        guard case .boolean(let value) = self else { return nil }
        return value
    }

    package var textValue: String? {
        guard case .text(let value) = self else { return nil }
        return value
    }

    package var arrayValue: [JSONValue]? {
        guard case .array(let values) = self else { return nil }
        return values
    }

    package var objectValue: [ExactText: JSONValue]? {
        guard case .object(let members) = self else { return nil }
        return members
    }

    /// Reads the file at `path`, up to 64 MiB, 64 levels deep and two million values; a key twice in one object is an
    /// error.
    package init(path: String) throws(WeightsError) {
        let bytes = try FileBytes(mapping: path)
        guard bytes.count <= Limits.jsonBytesMax else {
            throw WeightsError(
                .overLimit, file: path, field: "size",
                "\(bytes.count) bytes of JSON, at most \(Limits.jsonBytesMax) are read")
        }
        self = try JSONParser.parse(bytes, at: 0, length: bytes.count, field: "JSON")
    }

    /// Reads a document held in memory; `file` is what errors call it.
    package init(bytes: [UInt8], file: String) throws(WeightsError) {
        self = try JSONParser.parse(FileBytes(copying: bytes, file: file), at: 0, length: bytes.count, field: "JSON")
    }
}
