import Testing
import Weights

/// Every element type against gguf-py's dequantisation of random blocks, bit for bit.
struct ElementTypeTests {
    static let names = ["F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q4_K", "Q5_K", "Q6_K"]

    @Test(arguments: names.enumerated().map { ($0.offset, $0.element) })
    func dequantisesAsGGUFPy(index: Int, name: String) throws {
        let tensor = try GGUFFile(path: Goldens.path("types.gguf")).tensor(name)
        #expect(tensor.type.name == name)
        #expect(tensor.shape == [2, 512])
        let expected = try Self.expectedBits(index)
        #expect(tensor.floats().map(\.bitPattern) == expected)
        var row = [Float](repeating: 0, count: 512)
        for index in [1, 0] {
            var places = row.mutableSpan
            tensor.dequantise(row: index, into: &places)
            #expect(row.map(\.bitPattern) == Array(expected[index * 512..<(index + 1) * 512]))
        }
    }

    private static func expectedBits(_ index: Int) throws -> [UInt32] {
        let bytes = try Goldens.bytes("types.f32")
        #expect(bytes.count == names.count * 1024 * 4)
        return (0..<1024).map { element in
            let start = (index * 1024 + element) * 4
            return bytes[start..<start + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) }
        }
    }

    /// Every half, against the standard library's `Float16`.
    @Test func widensEveryHalf() throws {
        let data = (0...UInt16.max).flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] }
        let builder = GGUFBuilder(tensors: [.init("halves", dimensions: [65536], type: 1, data: data)])
        let floats = try GGUFFile(bytes: builder.bytes, file: "halves").tensor("halves").floats()
        for bits in 0...UInt16.max {
            let expected = Float(Float16(bitPattern: bits))
            let actual = floats[Int(bits)]
            #expect(actual.bitPattern == expected.bitPattern || (actual.isNaN && expected.isNaN), "\(bits)")
        }
    }

    @Test func rowBytesAreTheStoredOnes() throws {
        let tensor = try GGUFFile(path: Goldens.path("types.gguf")).tensor("Q4_1")
        #expect(tensor.rowByteCount == 512 / 32 * 20)
        let file = try Goldens.bytes("types.gguf")
        let row = tensor.withRow(1) { bytes in bytes.withUnsafeBytes { [UInt8]($0) } }
        #expect(row.count == tensor.rowByteCount)
        #expect(file.firstRange(of: row) != nil)
    }
}
