import Testing
import Weights

/// Lies a safetensors header can tell; each is refused with the reason and the field.
struct HostileSafetensorsTests {
    struct Lie: Sendable, CustomTestStringConvertible {
        let header: String
        let reason: WeightsError.Reason
        let field: String
        var testDescription: String { header }

        init(_ header: String, _ reason: WeightsError.Reason, _ field: String) {
            self.header = header
            self.reason = reason
            self.field = field
        }
    }

    static let honest =
        #"{"__metadata__":{"k":"v"},"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"#
        + #""b":{"dtype":"BF16","shape":[4],"data_offsets":[24,32]}}"#

    static func file(_ header: String, data: Int = 32, length: UInt64? = nil) -> [UInt8] {
        littleEndian(length ?? UInt64(header.utf8.count)) + Array(header.utf8) + [UInt8](repeating: 0, count: data)
    }

    @Test func theHonestFileOpens() throws {
        let file = try SafetensorsFile(bytes: Self.file(Self.honest), file: "honest")
        #expect(file.tensorNames == ["a", "b"])
        #expect(try file.tensor("a").shape == [2, 3])
        // Writers pad the header with spaces.
        #expect(try SafetensorsFile(bytes: Self.file(Self.honest + "   "), file: "padded").tensorNames.count == 2)
        // A scalar has no dimensions and one element.
        let scalar = Self.file(#"{"s":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}"#, data: 4)
        #expect(try SafetensorsFile(bytes: scalar, file: "scalar").tensor("s").floats() == [0])
    }

    static let lies: [Lie] = [
        Lie("", .truncated, "header"),
        Lie("[]", .malformed, "header"),
        Lie(#"{"a":"#, .truncated, "header"),
        Lie(#"{"a":1}"#, .malformed, "a.dtype"),
        Lie(#"{"__metadata__":{"k":1}}"#, .malformed, "__metadata__.k"),
        Lie(#"{"__metadata__":3}"#, .malformed, "__metadata__."),
        Lie(#"{"a":{"dtype":"F7","shape":[8],"data_offsets":[0,32]}}"#, .malformed, "a.dtype"),
        Lie(#"{"a":{"dtype":"F32","data_offsets":[0,32]}}"#, .malformed, "a.shape"),
        Lie(#"{"a":{"dtype":"F32","shape":[1,1,1,1,8],"data_offsets":[0,32]}}"#, .malformed, "a.shape"),
        Lie(#"{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}"#, .malformed, "a.shape"),
        Lie(#"{"a":{"dtype":"F32","shape":[-8],"data_offsets":[0,32]}}"#, .malformed, "a.shape"),
        Lie(#"{"a":{"dtype":"F32","shape":[8.0],"data_offsets":[0,32]}}"#, .malformed, "a.shape"),
        Lie(#"{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,32]}}"#, .malformed, "a.shape"),
        Lie(#"{"a":{"dtype":"F32","shape":[9223372036854775807],"data_offsets":[0,32]}}"#, .malformed, "a.shape"),
        Lie(#"{"a":{"dtype":"F32","shape":[8]}}"#, .malformed, "a.data_offsets"),
        Lie(#"{"a":{"dtype":"F32","shape":[8],"data_offsets":[0]}}"#, .malformed, "a.data_offsets"),
        Lie(#"{"a":{"dtype":"F32","shape":[8],"data_offsets":[32,0]}}"#, .malformed, "a.data_offsets"),
        Lie(#"{"a":{"dtype":"F32","shape":[8],"data_offsets":[-32,0]}}"#, .malformed, "a.data_offsets"),
        Lie(#"{"a":{"dtype":"F32","shape":[7],"data_offsets":[0,32]}}"#, .malformed, "a.data_offsets"),
        Lie(#"{"a":{"dtype":"F32","shape":[9],"data_offsets":[0,36]}}"#, .truncated, "data"),
        Lie(#"{"a":{"dtype":"F32","shape":[7],"data_offsets":[0,28]}}"#, .malformed, "data"),
        Lie(#"{"a":{"dtype":"F32","shape":[7],"data_offsets":[4,32]}}"#, .malformed, "a.data_offsets"),
        Lie(
            #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[9223372036854775800,9223372036854775807]}}"#, .malformed,
            "a.data_offsets"),
        Lie(
            #"{"a":{"dtype":"U8","shape":[7],"data_offsets":[9223372036854775800,9223372036854775807]}}"#, .malformed,
            "a.data_offsets"),
        Lie(
            #"{"a":{"dtype":"F32","shape":[6],"data_offsets":[0,24]},"#
                + #""b":{"dtype":"F32","shape":[4],"data_offsets":[16,32]}}"#,
            .malformed, "b.data_offsets"),
        Lie(
            #"{"a":{"dtype":"F32","shape":[8],"data_offsets":[0,32]},"#
                + #""a":{"dtype":"F32","shape":[8],"data_offsets":[0,32]}}"#,
            .malformed, "header"),
        Lie(String(repeating: "[", count: 100_000), .overLimit, "header"),
    ]

    @Test(arguments: lies)
    func aLieIsRefused(_ lie: Lie) {
        expectError(lie.reason, lie.field) { try SafetensorsFile(bytes: Self.file(lie.header), file: "lie") }
    }

    @Test func headerLengthsAreBounded() {
        for length in [UInt64(1) << 63, .max, 100_000_001] {
            expectError(.overLimit, "header length") {
                try SafetensorsFile(bytes: Self.file(Self.honest, length: length), file: "long")
            }
        }
        expectError(.truncated, "header length") {
            try SafetensorsFile(bytes: Self.file(Self.honest, length: 1000), file: "long")
        }
    }

    @Test func noPrefixOpens() {
        let bytes = Self.file(Self.honest)
        for length in 0..<bytes.count {
            #expect(throws: WeightsError.self, "\(length) bytes") {
                try SafetensorsFile(bytes: Array(bytes[..<length]), file: "prefix")
            }
        }
    }
}
