/// Builds a safetensors file in memory: what an import writes. Tensors stand in the order of their names.
package struct SafetensorsWriter: Sendable {
    private struct Tensor {
        let type: String
        let shape: [Int]
        let bytes: [UInt8]
    }

    private var tensors: [String: Tensor] = [:]
    /// The free-form strings under `__metadata__`.
    package var metadata: [String: String]

    package init(metadata: [String: String] = [:]) { self.metadata = metadata }

    /// Adds a tensor of F32, or of F16 where `asHalves`; a half is the nearest one to each value.
    package mutating func add(_ name: String, shape: [Int], _ values: [Float], asHalves: Bool = false) {
        precondition(
            shape.reduce(1, *) == values.count && !values.isEmpty, "\(name): \(values.count) values for \(shape)")
        let bytes: [UInt8] =
            asHalves
            ? Self.littleEndian(values.map { Float16($0).bitPattern })
            : Self.littleEndian(values.map(\.bitPattern))
        let tensor = Tensor(type: asHalves ? "F16" : "F32", shape: shape, bytes: bytes)
        precondition(tensors.updateValue(tensor, forKey: name) == nil, "\(name) was added before")
    }

    /// The whole file; its header is padded so that the data begin at a multiple of 8.
    package func bytes() -> [UInt8] {
        let names = tensors.keys.sorted()
        var header = "{"
        if !metadata.isEmpty {
            let members = metadata.sorted { $0.key < $1.key }.map { "\(Self.quoted($0.key)):\(Self.quoted($0.value))" }
            header += "\"__metadata__\":{\(members.joined(separator: ","))},"
        }
        var offset = 0
        var entries: [String] = []
        var data: [UInt8] = []
        for name in names {
            guard let tensor = tensors[name] else { continue }
            let end = offset + tensor.bytes.count
            entries.append(
                "\(Self.quoted(name)):{\"dtype\":\"\(tensor.type)\",\"shape\":\(tensor.shape),\"data_offsets\":[\(offset),\(end)]}"
            )
            data += tensor.bytes
            offset = end
        }
        header += entries.joined(separator: ",") + "}"
        header += String(repeating: " ", count: (8 - header.utf8.count % 8) % 8)
        return Self.littleEndian(UInt64(header.utf8.count)) + Array(header.utf8) + data
    }

    private static func littleEndian<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
        (0..<T.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    /// Millions of numbers at once: copied where the machine stores them so already.
    private static func littleEndian<T: FixedWidthInteger>(_ values: [T]) -> [UInt8] {
        let ordered = T(littleEndian: 1) == 1 ? values : values.map(\.littleEndian)
        return ordered.withUnsafeBytes { Array($0) }
    }

    /// A JSON string (RFC 8259, section 7).
    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
