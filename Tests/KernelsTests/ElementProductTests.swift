import Kernels
import Testing

/// Products with f16 and bf16 weights have the bits of products with the same values as f32: the conversion is exact, and the chain is one.
@Suite struct ElementProductTests {
    /// Every kind of number: normal, subnormal in f16, zeros of both signs; never NaN or infinity.
    static func rows(_ format: ElementFormat, outputs: Int, inputs: Int) -> [[UInt16]] {
        var random = SplitMix64(21)
        return (0..<outputs).map { _ in
            (0..<inputs).map { _ in
                let bits = UInt16(truncatingIfNeeded: random.next())
                return format == .float16 ? bits & 0xbbff : bits & 0xbfff
            }
        }
    }

    static func value(_ bits: UInt16, _ format: ElementFormat) -> Float {
        guard format == .float16 else { return Float(bitPattern: UInt32(bits) << 16) }
        let exponent = Int(bits >> 10 & 31), fraction = Float(bits & 0x3ff)
        let magnitude =
            exponent == 0
            ? fraction * 0x1p-24 : Float(sign: .plus, exponent: exponent - 25, significand: 1024 + fraction)
        return bits & 0x8000 == 0 ? magnitude : -magnitude
    }

    @Test(
        arguments: [ElementFormat.float16, .bfloat16],
        [(outputs: 1, inputs: 1), (outputs: 70, inputs: 33), (outputs: 200, inputs: 160)])
    func bitsOfTheSameValuesAsF32(_ format: ElementFormat, _ shape: (outputs: Int, inputs: Int)) throws {
        let rows = Self.rows(format, outputs: shape.outputs, inputs: shape.inputs)
        let values = rows.map { $0.map { Self.value($0, format) } }
        let matrix = try PackedMatrix(outputs: shape.outputs, inputs: shape.inputs, elements: format) { output, take in
            let row = rows[output]
            take(row.span.bytes)
        }
        #expect(matrix.format == .elements(format))
        let x = RowBuffer.random(rows: 40, width: shape.inputs, seed: 22)
        let expected = x.rows(40).map { row in values.map { ProductTests.chain(row, $0) }.bits }
        forEveryContext { context, name in
            for count in [1, 5, 6, 7, 40] {
                let output = RowBuffer(rowsMax: count, width: shape.outputs)
                context.multiply(x.columns, rows: count, by: matrix, into: output.columns)
                for row in 0..<count where output.array(row: row).bits != expected[row] {
                    Issue.record("row \(row) of \(count), \(name), \(format)")
                }
            }
        }
    }

    @Test func f32AsStoredIsF32() throws {
        let (outputs, inputs) = (70, 33)
        var random = SplitMix64(23)
        let weights = (0..<outputs).map { _ in random.floats(inputs) }
        let matrix = try PackedMatrix(outputs: outputs, inputs: inputs, elements: .float32) { output, take in
            let row = weights[output]
            take(row.span.bytes)
        }
        let x = RowBuffer.random(rows: 1, width: inputs, seed: 24)
        let output = RowBuffer(rowsMax: 1, width: outputs)
        ComputeContext(team: ComputeTeam(threads: 1)).multiply(x.columns, rows: 1, by: matrix, into: output.columns)
        let row = x.array(row: 0)
        #expect(output.array(row: 0).bits == weights.map { ProductTests.chain(row, $0) }.bits)
    }
}
