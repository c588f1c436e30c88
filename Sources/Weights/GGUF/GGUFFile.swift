/// A GGUF file, versions 2 and 3: metadata and tensors under the names and in the row order the file gives them
/// (`Checkpoint` translates both). Format: ggml's docs/gguf.md.
package struct GGUFFile: Sendable {
    package let metadata: GGUFMetadata
    /// In the file's order.
    package let tensorNames: [String]
    package var byteCount: Int { bytes.count }
    package var path: String { bytes.file }
    let bytes: FileBytes
    private let places: [String: TensorPlace]

    /// Maps the file at `path`.
    package init(path: String) throws(WeightsError) {
        try self.init(FileBytes(mapping: path))
    }

    /// Reads a file held in memory; `file` is what errors call it.
    package init(bytes: [UInt8], file: String) throws(WeightsError) {
        try self.init(FileBytes(copying: bytes, file: file))
    }

    private init(_ bytes: FileBytes) throws(WeightsError) {
        var cursor = ByteCursor(bytes)
        let preamble = try GGUFPreamble(reading: &cursor)
        metadata = try GGUFMetadata(reading: &cursor, entries: preamble.metadataCount)
        if let parts = try metadata.integer("split.count"), parts > 1 {
            throw WeightsError(
                .unsupported, file: bytes.file, field: "split.count",
                "one of \(parts) parts; merge them first (llama-gguf-split --merge)")
        }
        let descriptions = try Self.descriptions(reading: &cursor, count: preamble.tensorCount)
        let dataStart = try Self.dataStart(after: cursor, metadata)
        places = try Self.places(of: descriptions, from: dataStart, alignment: Self.alignment(metadata), in: bytes)
        tensorNames = descriptions.map(\.name)
        self.bytes = bytes
    }

    package func contains(_ name: String) -> Bool { places[name] != nil }

    /// The tensor called `name` in the file, rows as stored.
    package func tensor(_ name: String) throws(WeightsError) -> TensorView {
        TensorView(try place(name), named: name, in: bytes)
    }

    func place(_ name: String) throws(WeightsError) -> TensorPlace {
        guard let place = places[name] else {
            throw WeightsError(.missing, file: path, field: name, "the file has no such tensor")
        }
        return place
    }
}

extension GGUFFile {
    private struct Description {
        let name: String
        let shape: [Int]
        let type: ElementType
        let offset: UInt64
    }

    private static func descriptions(
        reading cursor: inout ByteCursor, count: Int
    ) throws(WeightsError) -> [Description] {
        var result: [Description] = []
        result.reserveCapacity(count)
        for index in 0..<count { result.append(try description(reading: &cursor, "tensor[\(index)]")) }
        return result
    }

    private static func description(
        reading cursor: inout ByteCursor, _ field: String
    ) throws(WeightsError) -> Description {
        let name = try cursor.text(max: Limits.nameBytesMax, "\(field).name")
        guard !name.isEmpty else {
            throw WeightsError(.malformed, file: cursor.bytes.file, field: "\(field).name", "is empty")
        }
        let rank = try cursor.integer(UInt32.self, "\(name).n_dimensions")
        guard (1...Limits.dimensionsMax).contains(Int(rank)) else {
            throw WeightsError(
                .malformed, file: cursor.bytes.file, field: "\(name).n_dimensions",
                "\(rank) is not in 1...\(Limits.dimensionsMax)")
        }
        var shape: [Int] = []
        for index in 0..<Int(rank) {
            let dimension = try cursor.integer(UInt64.self, "\(name).dimensions[\(index)]")
            guard let dimension = Int(exactly: dimension), dimension > 0 else {
                throw WeightsError(
                    .malformed, file: cursor.bytes.file, field: "\(name).dimensions[\(index)]",
                    "\(dimension) is not a size")
            }
            shape.append(dimension)
        }
        let type = try elementType(reading: &cursor, name)
        let offset = try cursor.integer(UInt64.self, "\(name).offset")
        // GGUF lists the innermost dimension first.
        return Description(name: name, shape: shape.reversed(), type: type, offset: offset)
    }

    private static func elementType(
        reading cursor: inout ByteCursor, _ name: String
    ) throws(WeightsError) -> ElementType {
        let identifier = try cursor.integer(UInt32.self, "\(name).type")
        if let type = ElementType(ggml: identifier) { return type }
        let supported = ElementType.allCases.map(\.name).joined(separator: ", ")
        guard let known = ElementType.unsupportedName(ggml: identifier) else {
            throw WeightsError(
                .malformed, file: cursor.bytes.file, field: "\(name).type", "\(identifier) is not a type")
        }
        throw WeightsError(
            .unsupported, file: cursor.bytes.file, field: "\(name).type", "\(known) is not read; read are \(supported)")
    }

    private static func alignment(_ metadata: GGUFMetadata) throws(WeightsError) -> Int {
        let alignment = try metadata.integer("general.alignment") ?? 32
        guard alignment > 0, alignment <= Limits.alignmentBytesMax, alignment & (alignment - 1) == 0 else {
            throw WeightsError(
                .malformed, file: metadata.file, field: "general.alignment",
                "\(alignment) is not a power of two up to \(Limits.alignmentBytesMax)")
        }
        return alignment
    }

    private static func dataStart(after cursor: ByteCursor, _ metadata: GGUFMetadata) throws(WeightsError) -> Int {
        let alignment = try alignment(metadata)
        // Both are small against Int: the cursor lies in a file, the alignment is bounded.
        return (cursor.offset + alignment - 1) / alignment * alignment
    }

    private static func places(
        of descriptions: [Description], from dataStart: Int, alignment: Int, in bytes: FileBytes
    ) throws(WeightsError) -> [String: TensorPlace] {
        var places: [String: TensorPlace] = [:]
        for item in descriptions {
            guard places[item.name] == nil else {
                throw WeightsError(.malformed, file: bytes.file, field: item.name, "two tensors have this name")
            }
            guard item.offset % UInt64(alignment) == 0 else {
                throw WeightsError(
                    .malformed, file: bytes.file, field: "\(item.name).offset",
                    "\(item.offset) is not a multiple of the alignment \(alignment)")
            }
            guard item.offset <= UInt64(bytes.count) else {
                throw WeightsError(
                    .truncated, file: bytes.file, field: "\(item.name).offset",
                    "\(item.offset) is beyond the file's \(bytes.count) bytes")
            }
            places[item.name] = try TensorPlace(
                type: item.type, shape: item.shape, offset: dataStart + Int(item.offset), in: bytes, field: item.name)
        }
        try TensorPlace.refuseOverlaps(places.map { (field: $0.key, place: $0.value) }, file: bytes.file)
        return places
    }
}
