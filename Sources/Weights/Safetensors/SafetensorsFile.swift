/// One safetensors file: a 64-bit header length, a JSON header, then the tensors' bytes without holes
/// (huggingface/safetensors, "Format").
package struct SafetensorsFile: Sendable {
    /// Sorted by name.
    package let tensorNames: [String]
    /// The free-form strings under `__metadata__`.
    package let metadata: [String: String]
    package var byteCount: Int { bytes.count }
    package var path: String { bytes.file }
    private let bytes: FileBytes
    private let places: [String: TensorPlace]
    /// Tensors whose elements are not floats of a kind read here (position ids, masks), with their dtype.
    private let unread: [String: String]

    /// Maps the file at `path`.
    package init(path: String) throws(WeightsError) {
        try self.init(FileBytes(mapping: path))
    }

    /// Reads a file held in memory; `file` is what errors call it.
    package init(bytes: [UInt8], file: String) throws(WeightsError) {
        try self.init(FileBytes(copying: bytes, file: file))
    }

    private init(_ bytes: FileBytes) throws(WeightsError) {
        self.bytes = bytes
        let header = try SafetensorsHeader(reading: bytes)
        metadata = header.metadata
        var places: [String: TensorPlace] = [:]
        var unread: [String: String] = [:]
        for entry in header.entries {
            guard let type = entry.elementType else {
                unread[entry.name] = entry.type.rawValue
                continue
            }
            places[entry.name] = try TensorPlace(
                type: type, shape: entry.shape, offset: header.dataStart + entry.range.lowerBound, in: bytes,
                field: entry.name)
        }
        self.places = places
        self.unread = unread
        tensorNames = places.keys.sorted()
    }

    /// Names of tensors that are there but not read, sorted.
    var unreadNames: [String] { unread.keys.sorted() }

    package func contains(_ name: String) -> Bool { places[name] != nil || unread[name] != nil }

    package func tensor(_ name: String) throws(WeightsError) -> TensorView {
        if let place = places[name] { return TensorView(place, named: name, in: bytes) }
        if let type = unread[name] {
            throw WeightsError(
                .unsupported, file: path, field: "\(name).dtype", "\(type) is not read; read are F32, F16, BF16")
        }
        throw WeightsError(.missing, file: path, field: name, "the file has no such tensor")
    }
}
