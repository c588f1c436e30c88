/// Writes small GGUF files and remembers where each field went, so that tests can lie about one of them.
struct GGUFBuilder {
    struct Tensor {
        let name: String
        /// Innermost first, as the file has them.
        let dimensions: [UInt64]
        let type: UInt32
        let data: [UInt8]

        init(_ name: String, dimensions: [UInt64], type: UInt32 = 0, data: [UInt8]) {
            self.name = name
            self.dimensions = dimensions
            self.type = type
            self.data = data
        }
    }

    enum Value {
        case text(String)
        case uint32(UInt32)
        case float32(Float)
        case strings([String])
    }

    private(set) var bytes: [UInt8] = []
    /// Offsets of fields by name, such as `tensor_count` or `b.offset`.
    private(set) var marks: [String: Int] = [:]

    init(version: UInt32 = 3, metadata: [(String, Value)] = [("name", .text("tiny"))], tensors: [Tensor]) {
        bytes += Array("GGUF".utf8)
        put(version, "version")
        put(UInt64(tensors.count), "tensor_count")
        put(UInt64(metadata.count), "metadata_kv_count")
        for (key, value) in metadata { put(key, value) }
        var offset: UInt64 = 0
        for tensor in tensors {
            describe(tensor, at: offset)
            offset += (UInt64(tensor.data.count) + 31) / 32 * 32
        }
        for tensor in tensors {
            bytes += [UInt8](repeating: 0, count: (32 - bytes.count % 32) % 32)
            marks["\(tensor.name).data"] = bytes.count
            bytes += tensor.data
        }
    }

    private mutating func put(_ value: some FixedWidthInteger, _ mark: String) {
        marks[mark] = bytes.count
        bytes += littleEndian(value)
    }

    private mutating func put(_ text: String, _ mark: String) {
        put(UInt64(text.utf8.count), "\(mark).length")
        marks[mark] = bytes.count
        bytes += Array(text.utf8)
    }

    private mutating func put(_ key: String, _ value: Value) {
        put(key, "\(key).key")
        switch value {
        case .text(let text):
            put(UInt32(8), "\(key).type")
            put(text, key)
        case .uint32(let number):
            put(UInt32(4), "\(key).type")
            put(number, key)
        case .float32(let number):
            put(UInt32(6), "\(key).type")
            put(number.bitPattern, key)
        case .strings(let strings):
            put(UInt32(9), "\(key).type")
            put(UInt32(8), "\(key).elementType")
            put(UInt64(strings.count), "\(key).count")
            for (index, text) in strings.enumerated() { put(text, "\(key)[\(index)]") }
        }
    }

    private mutating func describe(_ tensor: Tensor, at offset: UInt64) {
        put(tensor.name, "\(tensor.name).name")
        put(UInt32(tensor.dimensions.count), "\(tensor.name).n_dimensions")
        for (index, size) in tensor.dimensions.enumerated() { put(size, "\(tensor.name).dimensions[\(index)]") }
        put(tensor.type, "\(tensor.name).type")
        put(offset, "\(tensor.name).offset")
    }

    /// The file with one field overwritten.
    func replacing(_ mark: String, with value: some FixedWidthInteger) -> [UInt8] {
        replacing(mark, bytes: littleEndian(value))
    }

    func replacing(_ mark: String, bytes replacement: [UInt8]) -> [UInt8] {
        guard let start = marks[mark] else { preconditionFailure("no field \(mark)") }
        var result = bytes
        result.replaceSubrange(start..<start + replacement.count, with: replacement)
        return result
    }
}

func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { [UInt8]($0) }
}
