/// The header of a safetensors file, checked: every byte range agrees with shape and dtype, and the ranges follow one
/// another without hole or overlap up to the end of the file, as the format demands.
struct SafetensorsHeader {
    /// The dtypes of the format whose elements are whole bytes.
    enum DataType: String {
        case boolean = "BOOL"
        case u8 = "U8"
        case i8 = "I8"
        case f8e5m2 = "F8_E5M2"
        case f8e4m3 = "F8_E4M3"
        case i16 = "I16"
        case u16 = "U16"
        case f16 = "F16"
        case bf16 = "BF16"
        case i32 = "I32"
        case u32 = "U32"
        case f32 = "F32"
        case f64 = "F64"
        case i64 = "I64"
        case u64 = "U64"

        var byteCount: Int {
            switch self {
            case .boolean, .u8, .i8, .f8e5m2, .f8e4m3: 1
            case .i16, .u16, .f16, .bf16: 2
            case .i32, .u32, .f32: 4
            case .f64, .i64, .u64: 8
            }
        }
    }

    struct Entry {
        let name: String
        let type: DataType
        let shape: [Int]
        /// Relative to `dataStart`.
        let range: Range<Int>

        var elementType: ElementType? {
            switch type {
            case .f32: .float32
            case .f16: .float16
            case .bf16: .bfloat16
            default: nil
            }
        }
    }

    /// In the order of their bytes.
    let entries: [Entry]
    let metadata: [String: String]
    let dataStart: Int

    init(reading bytes: FileBytes) throws(WeightsError) {
        var cursor = ByteCursor(bytes)
        let length = try cursor.count(max: Limits.safetensorsHeaderBytesMax, bytesEach: 1, "header length")
        let start = try cursor.skip(length, "header")
        dataStart = cursor.offset
        let header = try JSONParser.parse(bytes, at: start, length: length, field: "header")
        guard case .object(let members) = header else {
            throw WeightsError(.malformed, file: bytes.file, field: "header", "is not a JSON object")
        }
        guard members.count <= Limits.tensorsMax else {
            throw WeightsError(
                .overLimit, file: bytes.file, field: "header", "\(members.count) tensors, at most \(Limits.tensorsMax)")
        }
        var entries: [Entry] = []
        var metadata: [String: String] = [:]
        var names: Set<String> = []
        for (key, value) in members {
            if key == "__metadata__" {
                metadata = try Self.metadata(value, file: bytes.file)
                continue
            }
            // Tensors are looked up by strings of Swift, which are equal where only their normal forms are.
            guard names.insert(key.text).inserted else {
                throw WeightsError(
                    .malformed, file: bytes.file, field: "header", "has two tensors whose names read \(key)")
            }
            entries.append(try Self.entry(key.text, value, file: bytes.file))
        }
        entries.sort { ($0.range.lowerBound, $0.name) < ($1.range.lowerBound, $1.name) }
        try Self.refuseHoles(entries, dataLength: cursor.remaining, file: bytes.file)
        self.entries = entries
        self.metadata = metadata
    }

    private static func metadata(_ value: JSONValue, file: String) throws(WeightsError) -> [String: String] {
        var result: [String: String] = [:]
        for (key, value) in value.objectValue ?? ["": value] {
            guard let text = value.textValue else {
                throw WeightsError(.malformed, file: file, field: "__metadata__.\(key)", "is not a string")
            }
            result[key.text] = text
        }
        return result
    }

    private static func entry(_ name: String, _ value: JSONValue, file: String) throws(WeightsError) -> Entry {
        func malformed(_ part: String, _ detail: String) -> WeightsError {
            WeightsError(.malformed, file: file, field: "\(name).\(part)", detail)
        }
        guard let spelling = value["dtype"]?.textValue, let type = DataType(rawValue: spelling) else {
            throw malformed("dtype", "\(value["dtype"]?.textValue ?? "what is there") is not a dtype read here")
        }
        guard let dimensions = value["shape"]?.arrayValue, dimensions.count <= Limits.dimensionsMax else {
            throw malformed("shape", "is not an array of at most \(Limits.dimensionsMax) numbers")
        }
        var shape: [Int] = []
        var byteCount = type.byteCount
        for dimension in dimensions {
            guard let size = dimension.integerValue, size > 0 else {
                throw malformed("shape", "has a size that is not above 0")
            }
            let (product, overflow) = byteCount.multipliedReportingOverflow(by: size)
            guard !overflow else { throw malformed("shape", "its product overflows") }
            byteCount = product
            shape.append(size)
        }
        guard let offsets = value["data_offsets"]?.arrayValue, offsets.count == 2,
            let begin = offsets[0].integerValue, let end = offsets[1].integerValue, begin >= 0, begin <= end
        else { throw malformed("data_offsets", "is not [begin, end] with 0 <= begin <= end") }
        guard end - begin == byteCount else {
            throw malformed("data_offsets", "spans \(end - begin) bytes, shape and dtype make \(byteCount)")
        }
        return Entry(name: name, type: type, shape: shape, range: begin..<end)
    }

    private static func refuseHoles(_ entries: [Entry], dataLength: Int, file: String) throws(WeightsError) {
        var end = 0
        for entry in entries {
            guard entry.range.lowerBound == end else {
                throw WeightsError(
                    .malformed, file: file, field: "\(entry.name).data_offsets",
                    "begins at \(entry.range.lowerBound), the tensor before it ends at \(end)")
            }
            end = entry.range.upperBound
        }
        guard end <= dataLength else {
            throw WeightsError(
                .truncated, file: file, field: "data",
                "tensors take \(end) bytes, the file has \(dataLength) after its header")
        }
        guard end == dataLength else {
            throw WeightsError(.malformed, file: file, field: "data", "\(dataLength - end) bytes belong to no tensor")
        }
    }
}
