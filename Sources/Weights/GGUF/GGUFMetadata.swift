/// The metadata of a GGUF file: keys with typed values. A lookup with the wrong type is an error that names the key.
package struct GGUFMetadata: Sendable {
    /// The path as opened, for errors.
    package let file: String
    /// In the file's order.
    package let keys: [String]
    private let values: [String: MetadataValue]

    init(file: String, keys: [String], values: [String: MetadataValue]) {
        self.file = file
        self.keys = keys
        self.values = values
    }

    /// Opens only the metadata of the GGUF file at `path`: neither tensor descriptions nor tensor data are touched.
    package init(path: String) throws(WeightsError) {
        var cursor = ByteCursor(try FileBytes(mapping: path))
        let preamble = try GGUFPreamble(reading: &cursor)
        self = try GGUFMetadata(reading: &cursor, entries: preamble.metadataCount)
    }

    package subscript(key: String) -> MetadataValue? { values[key] }

    package func integer(_ key: String) throws(WeightsError) -> Int? {
        guard let value = values[key] else { return nil }
        guard let integer = value.integer else { throw mismatch(key, "an integer that fits in 64 bits") }
        return integer
    }

    package func number(_ key: String) throws(WeightsError) -> Double? {
        switch values[key] {
        case nil: return nil
        case .float(let value): return value
        case .unsigned(let value): return Double(value)
        case .signed(let value): return Double(value)
        default: throw mismatch(key, "a number")
        }
    }

    package func flag(_ key: String) throws(WeightsError) -> Bool? {
        switch values[key] {
        case nil: return nil
        case .boolean(let value): return value
        default: throw mismatch(key, "true or false")
        }
    }

    package func text(_ key: String) throws(WeightsError) -> String? {
        switch values[key] {
        case nil: return nil
        case .text(let value): return value
        default: throw mismatch(key, "a string")
        }
    }

    /// An array whose elements are of `type`; with nil, of any type.
    package func array(_ key: String, of type: MetadataType? = nil) throws(WeightsError) -> MetadataArray? {
        switch values[key] {
        case nil: return nil
        case .array(let array) where type == nil || array.elementType == type: return array
        default: throw mismatch(key, "an array" + (type.map { " of \($0)" } ?? ""))
        }
    }

    private func mismatch(_ key: String, _ expected: String) -> WeightsError {
        WeightsError(.malformed, file: file, field: key, "is not \(expected)")
    }
}
