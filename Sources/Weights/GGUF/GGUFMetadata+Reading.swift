/// The first bytes of a GGUF file: magic, version, and how much follows.
struct GGUFPreamble {
    let tensorCount: Int
    let metadataCount: Int

    init(reading cursor: inout ByteCursor) throws(WeightsError) {
        let file = cursor.bytes.file
        let magic = try cursor.integer(UInt32.self, "magic")
        guard magic == 0x4655_4747 else {
            throw WeightsError(.malformed, file: file, field: "magic", "this is not a GGUF file")
        }
        let version = try cursor.integer(UInt32.self, "version")
        guard version == 2 || version == 3 else {
            let hint =
                version.byteSwapped == 3
                ? "a big-endian file; convert it to little-endian" : "\(version); 2 and 3 are read"
            throw WeightsError(.unsupported, file: file, field: "version", hint)
        }
        // A tensor description takes at least a name length, a rank, one dimension, a type and an offset.
        tensorCount = try cursor.count(max: Limits.tensorsMax, bytesEach: 32, "tensor_count")
        // A metadata entry takes at least a key length, one byte of key, a type and one byte of value.
        metadataCount = try cursor.count(max: Limits.metadataEntriesMax, bytesEach: 14, "metadata_kv_count")
    }
}

extension GGUFMetadata {
    init(reading cursor: inout ByteCursor, entries: Int) throws(WeightsError) {
        var keys: [String] = []
        var values: [String: MetadataValue] = [:]
        keys.reserveCapacity(entries)
        for index in 0..<entries {
            let key = try cursor.text(max: Limits.nameBytesMax, "metadata[\(index)].key")
            guard !key.isEmpty else {
                throw WeightsError(.malformed, file: cursor.bytes.file, field: "metadata[\(index)].key", "is empty")
            }
            guard values[key] == nil else {
                throw WeightsError(.malformed, file: cursor.bytes.file, field: key, "appears twice")
            }
            keys.append(key)
            values[key] = try Self.value(reading: &cursor, key)
        }
        self.init(file: cursor.bytes.file, keys: keys, values: values)
    }

    private static func type(reading cursor: inout ByteCursor, _ key: String) throws(WeightsError) -> MetadataType {
        let identifier = try cursor.integer(UInt32.self, "\(key).type")
        guard let type = MetadataType(rawValue: identifier) else {
            throw WeightsError(
                .malformed, file: cursor.bytes.file, field: "\(key).type", "\(identifier) is not a metadata type")
        }
        return type
    }

    private static func value(reading cursor: inout ByteCursor, _ key: String) throws(WeightsError) -> MetadataValue {
        let type = try type(reading: &cursor, key)
        switch type {
        case .text: return .text(try cursor.text(max: Limits.textBytesMax, key))
        case .array: return .array(try array(reading: &cursor, key))
        default:
            let offset = try cursor.skip(type.byteCount ?? 0, key)
            guard let value = MetadataValue.scalar(type, in: cursor.bytes, at: offset) else {
                preconditionFailure("\(type) is a scalar")
            }
            return value
        }
    }

    private static func array(reading cursor: inout ByteCursor, _ key: String) throws(WeightsError) -> MetadataArray {
        let type = try type(reading: &cursor, key)
        switch type {
        case .text: return try textArray(reading: &cursor, key)
        case .array:
            throw WeightsError(.unsupported, file: cursor.bytes.file, field: key, "arrays of arrays are not read")
        default:
            let size = type.byteCount ?? 1
            let count = try cursor.count(max: Limits.arrayElementsMax, bytesEach: size, "\(key).count")
            return MetadataArray(type, count: count, at: try cursor.skip(count * size, key), in: cursor.bytes)
        }
    }

    private static func textArray(reading cursor: inout ByteCursor, _ key: String) throws(WeightsError) -> MetadataArray
    {
        let count = try cursor.count(max: Limits.arrayElementsMax, bytesEach: 8, "\(key).count")
        let start = cursor.offset
        var offsets: [UInt32] = []
        offsets.reserveCapacity(count)
        for index in 0..<count {
            let range = try cursor.textRange(max: Limits.textBytesMax, "\(key)[\(index)]")
            guard let offset = UInt32(exactly: range.lowerBound - start) else {
                throw WeightsError(.overLimit, file: cursor.bytes.file, field: key, "its strings take more than 4 GiB")
            }
            offsets.append(offset)
        }
        return MetadataArray(textAt: offsets, from: start, in: cursor.bytes)
    }
}
