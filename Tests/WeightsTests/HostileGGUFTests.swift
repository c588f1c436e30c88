import Testing
import Weights

/// One lie per file: each is refused with the reason and the field.
struct HostileGGUFTests {
    struct Lie: Sendable, CustomTestStringConvertible {
        let what: String
        let bytes: [UInt8]
        let reason: WeightsError.Reason
        let field: String
        var testDescription: String { what }
    }

    static let honest = GGUFBuilder(
        metadata: [
            ("name", .text("tiny")), ("general.alignment", .uint32(32)), ("words", .strings(["one", "two"])),
            ("nose", .text("long")),
        ],
        tensors: [
            .init("a", dimensions: [8, 2], data: [UInt8](repeating: 1, count: 64)),
            .init("b", dimensions: [32], type: 8, data: [UInt8](repeating: 2, count: 34)),
            .init("c", dimensions: [4], data: [UInt8](repeating: 3, count: 16)),
        ])

    @Test func theHonestFileOpens() throws {
        let file = try GGUFFile(bytes: Self.honest.bytes, file: "honest")
        #expect(file.tensorNames == ["a", "b", "c"])
        #expect(try file.tensor("a").shape == [2, 8])
        #expect(try file.tensor("c").floats() == [Float](repeating: Float(bitPattern: 0x0303_0303), count: 4))
        #expect(
            try GGUFFile(bytes: Self.honest.replacing("version", with: UInt32(2)), file: "v2").tensorNames.count == 3)
        expectError(.missing, "d") { try file.tensor("d") }
    }

    @Test(arguments: headerLies + metadataLies + tensorLies)
    func aLieIsRefused(_ lie: Lie) {
        expectError(lie.reason, lie.field) { try GGUFFile(bytes: lie.bytes, file: "lie.gguf") }
    }

    static let headerLies: [Lie] = [
        Lie(what: "magic", bytes: Array("GGML".utf8) + honest.bytes[4...], reason: .malformed, field: "magic"),
        lie("version 0", "version", UInt32(0), .unsupported),
        lie("version 1", "version", UInt32(1), .unsupported),
        lie("version 4", "version", UInt32(4), .unsupported),
        lie("big-endian", "version", UInt32(3).byteSwapped, .unsupported),
        lie("2^63 tensors", "tensor_count", UInt64(1) << 63, .overLimit),
        lie("more tensors than bytes", "tensor_count", UInt64(1000), .truncated),
        lie("one tensor too many", "d", UInt64(4), .malformed, at: "tensor_count", field: "tensor[3].name"),
        lie("2^64-1 entries", "metadata_kv_count", UInt64.max, .overLimit),
        lie("more entries than bytes", "metadata_kv_count", UInt64(60000), .truncated),
        lie("one entry too many", "tensor[0].name length", UInt64(5), .overLimit, at: "metadata_kv_count"),
        Lie(what: "empty", bytes: [], reason: .truncated, field: "magic"),
        Lie(what: "text", bytes: Array("{\"model\": \"not this\"}".utf8), reason: .malformed, field: "magic"),
    ]

    static let metadataLies: [Lie] = [
        lie(
            "key of 2^62 bytes", "", UInt64(1) << 62, .overLimit, at: "nose.key.length", field: "metadata[3].key length"
        ),
        lie(
            "key to the end and beyond", "", UInt64(4000), .truncated, at: "nose.key.length",
            field: "metadata[3].key length"),
        lie("empty key", "", UInt64(0), .malformed, at: "nose.key.length", field: "metadata[3].key"),
        Lie(
            what: "key twice", bytes: honest.replacing("nose.key", bytes: Array("name".utf8)), reason: .malformed,
            field: "name"),
        Lie(
            what: "key not UTF-8", bytes: honest.replacing("nose.key", bytes: [0xFF]), reason: .malformed,
            field: "metadata[3].key"),
        Lie(
            what: "value not UTF-8", bytes: honest.replacing("nose", bytes: [0xC3, 0x28]), reason: .malformed,
            field: "nose"),
        lie("unknown type", "nose.type", UInt32(13), .malformed),
        lie("value of 2^63 bytes", "nose length", UInt64(1) << 63, .overLimit, at: "nose.length"),
        lie("value beyond the end", "nose length", UInt64(1) << 20, .truncated, at: "nose.length"),
        lie("array of arrays", "words", UInt32(9), .unsupported, at: "words.elementType"),
        lie("array of an unknown type", "words.type", UInt32(99), .malformed, at: "words.elementType"),
        lie("array of 2^60", "words.count", UInt64(1) << 60, .overLimit),
        lie("array beyond the end", "words.count", UInt64(5000), .truncated),
        lie("string in an array too long", "words[1] length", UInt64(1) << 40, .overLimit, at: "words[1].length"),
        lie("string in an array beyond the end", "words[1] length", UInt64(9999), .truncated, at: "words[1].length"),
        lie("alignment 0", "general.alignment", UInt32(0), .malformed),
        lie("alignment 48", "general.alignment", UInt32(48), .malformed),
        lie("alignment 2^31", "general.alignment", UInt32(1) << 31, .malformed),
    ]

    static let tensorLies: [Lie] = [
        lie("name of 2^33 bytes", "tensor[1].name length", UInt64(1) << 33, .overLimit, at: "b.name.length"),
        Lie(what: "name twice", bytes: honest.replacing("b.name", bytes: [0x61]), reason: .malformed, field: "a"),
        lie("no dimensions", "a.n_dimensions", UInt32(0), .malformed),
        lie("five dimensions", "a.n_dimensions", UInt32(5), .malformed),
        lie("2^32-1 dimensions", "a.n_dimensions", UInt32.max, .malformed),
        lie("dimension 0", "a.dimensions[0]", UInt64(0), .malformed),
        lie("dimension 2^63", "a.dimensions[1]", UInt64(1) << 63, .malformed),
        lie("product over 2^63", "a.shape", UInt64(1) << 61, .malformed, at: "a.dimensions[1]"),
        lie("row bytes over 2^63", "a.shape", UInt64.max >> 1, .malformed, at: "a.dimensions[0]"),
        lie("rows beyond the end", "a.offset", UInt64(4000), .truncated, at: "a.dimensions[1]"),
        lie("rows over the next tensor", "b.offset", UInt64(3), .inconsistent, at: "a.dimensions[1]"),
        lie("half a block", "b.shape", UInt64(16), .malformed, at: "b.dimensions[0]"),
        lie("unknown type", "b.type", UInt32(1000), .malformed),
        lie("removed type", "b.type", UInt32(4), .malformed),
        lie("type not read", "b.type", UInt32(10), .unsupported),
        lie("offset unaligned", "b.offset", UInt64(65), .malformed),
        lie("offset over another tensor", "b.offset", UInt64(32), .inconsistent),
        lie("two tensors in one place", "", UInt64(64), .inconsistent, at: "c.offset", field: "c.offset"),
        lie("offset beyond the end", "b.offset", UInt64(1) << 20, .truncated),
        lie("offset over 2^63", "b.offset", UInt64.max - 31, .truncated),
    ]

    private static func lie(
        _ what: String, _ field: String, _ value: some FixedWidthInteger, _ reason: WeightsError.Reason,
        at mark: String? = nil, field named: String? = nil
    ) -> Lie {
        Lie(
            what: what, bytes: honest.replacing(mark ?? field, with: value), reason: reason, field: named ?? field)
    }

    @Test func noPrefixOpens() {
        for length in 0..<Self.honest.bytes.count {
            #expect(throws: WeightsError.self, "\(length) bytes") {
                try GGUFFile(bytes: Array(Self.honest.bytes[..<length]), file: "prefix")
            }
        }
    }

    @Test func aPartOfASplitModelIsRefused() {
        let part = GGUFBuilder(metadata: [("split.count", .uint32(3))], tensors: [])
        expectError(.unsupported, "split.count") { try GGUFFile(bytes: part.bytes, file: "part") }
    }
}
