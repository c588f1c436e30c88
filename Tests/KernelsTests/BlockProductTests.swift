import Kernels
import Testing

/// Quantised products against integers and fused multiply-adds in plain Swift, bit for bit.
@Suite struct BlockProductTests {
    @Test(arguments: BlockLayout.allCases)
    func everyContextGivesTheReference(_ layout: BlockLayout) throws {
        let (outputs, inputs) = (75, layout.blockWeights == 256 ? 512 : 160)
        var random = SplitMix64(21)
        let bytes = layout.randomRows(outputs, inputs: inputs, random: &random)
        let matrix = try PackedMatrix(outputs: outputs, inputs: inputs, layout: layout, bytes: bytes.span.bytes)
        let rowBytes = layout.rowBytes(inputs: inputs)
        let weights = (0..<outputs).map { layout.decode(bytes[$0 * rowBytes..<($0 + 1) * rowBytes]) }
        let x = RowBuffer.random(rows: 516, width: inputs, seed: 22)
        x.write([Float](repeating: 0, count: inputs), row: 4)
        x.write((0..<inputs).map { $0 % 2 == 0 ? 0x1p-140 : -0x1p-130 }, row: 5)  // Subnormals count as zero.
        let expected = x.rows(516).map { row in weights.map { quantisedProduct(row, $0) }.bits }
        forEveryContext { context, name in
            for rows in rowCounts {
                let output = RowBuffer(rowsMax: rows, width: outputs)
                context.multiply(x.columns, rows: rows, by: matrix, into: output.columns)
                for row in 0..<rows where output.array(row: row).bits != expected[row] {
                    Issue.record("row \(row) of \(rows), \(name)")
                }
            }
        }
    }

    /// The largest magnitudes that the integers can reach: an instruction that saturates at 16 bits would show.
    @Test(arguments: [BlockLayout.q8_0, .q4_0, .q4_1, .q5_0, .q5_1])
    func extremesDoNotSaturate(_ layout: BlockLayout) throws {
        let inputs = 64
        for fill: UInt8 in [0x00, 0x7f, 0x80, 0xff] {
            var bytes = [UInt8](repeating: fill, count: layout.rowBytes(inputs: inputs))
            for block in stride(from: 0, to: bytes.count, by: layout.blockBytes) {
                bytes.replaceSubrange(block..<block + 2, with: [0x00, 0x3c])  // A scale of 1.
                if layout == .q4_1 || layout == .q5_1 { bytes.replaceSubrange(block + 2..<block + 4, with: [0, 0x3c]) }
            }
            let matrix = try PackedMatrix(outputs: 1, inputs: inputs, layout: layout, bytes: bytes.span.bytes)
            for sign in [{ _ in 1 }, { _ in -1 }, { $0 % 2 == 0 ? 1 : -1 }] as [(Int) -> Float] {
                let row = (0..<inputs).map { sign($0) * 127 }
                let x = RowBuffer([row])
                let expected = quantisedProduct(row, layout.decode(bytes[...]))
                forEveryContext { context, name in
                    let output = RowBuffer(rowsMax: 1, width: 1)
                    context.multiply(x.columns, rows: 1, by: matrix, into: output.columns)
                    #expect(output.array(row: 0) == [expected], "\(name)")
                }
            }
        }
    }

    @Test func aRowThatIsNotFiniteGivesNaN() throws {
        var random = SplitMix64(23)
        let bytes = BlockLayout.q4_1.randomRows(40, inputs: 64, random: &random)
        let matrix = try PackedMatrix(outputs: 40, inputs: 64, layout: .q4_1, bytes: bytes.span.bytes)
        let x = RowBuffer.random(rows: 3, width: 64, seed: 24)
        for (row, value) in [Float.infinity, .nan, 0.5].enumerated() { x.withMutableRow(row) { $0[37] = value } }
        forEveryContext { context, name in
            let output = RowBuffer(rowsMax: 3, width: 40)
            context.multiply(x.columns, rows: 3, by: matrix, into: output.columns)
            #expect(output.array(row: 0).allSatisfy(\.isNaN) && output.array(row: 1).allSatisfy(\.isNaN), "\(name)")
            #expect(!output.array(row: 2).map(\.isFinite).contains(false), "\(name)")
        }
    }

    /// With q = ±127 for one weight and 0 elsewhere a product reads the weight back: against gguf-py's dequantisation.
    @Test(arguments: BlockLayout.allCases)
    func weightsAreThoseOfGGML(_ layout: BlockLayout) throws {
        let golden = try #require(goldens[layout.rawValue])
        let matrix = try PackedMatrix(outputs: 1, inputs: 256, layout: layout, bytes: golden.bytes.span.bytes)
        let context = ComputeContext(team: ComputeTeam(threads: 1))
        let x = RowBuffer((0..<256).map { one in (0..<256).map { $0 == one ? 127 : 0 } })
        let output = RowBuffer(rowsMax: 256, width: 1)
        context.multiply(x.columns, rows: 256, by: matrix, into: output.columns)
        for k in 0..<256 {
            #expect(abs(output.array(row: k)[0] / 127 - golden.values[k]) <= golden.magnitude * 0x1p-22, "weight \(k)")
        }
    }

    @Test func rowsCanBeReorderedAndFilled() throws {
        var random = SplitMix64(25)
        let bytes = BlockLayout.q8_0.randomRows(64, inputs: 32, random: &random)
        let rowBytes = BlockLayout.q8_0.rowBytes(inputs: 32)
        let context = portableContext()
        func results(_ matrix: PackedMatrix) -> [Float] {
            let output = RowBuffer(rowsMax: 1, width: 64)
            context.multiply(
                RowBuffer.random(rows: 1, width: 32, seed: 26).columns, rows: 1, by: matrix, into: output.columns)
            return output.array(row: 0)
        }
        let inOrder = results(try PackedMatrix(outputs: 64, inputs: 32, layout: .q8_0, bytes: bytes.span.bytes))
        let reversed = results(
            try PackedMatrix(outputs: 64, inputs: 32, layout: .q8_0, bytes: bytes.span.bytes) { 63 - $0 })
        let filled = results(
            try PackedMatrix(outputs: 64, inputs: 32, layout: .q8_0) { output, row in
                for index in 0..<rowBytes {
                    row.storeBytes(of: bytes[output * rowBytes + index], toByteOffset: index, as: UInt8.self)
                }
            })
        #expect(reversed == inOrder.reversed())
        #expect(filled == inOrder)
    }

    @Test func wrongShapesAreRefused() {
        let bytes = [UInt8](repeating: 0, count: 34)
        #expect(throws: PackingError.inputsNotWholeBlocks(inputs: 33, layout: .q8_0)) {
            try PackedMatrix(outputs: 1, inputs: 33, layout: .q8_0, bytes: bytes.span.bytes)
        }
        #expect(throws: PackingError.inputsNotWholeBlocks(inputs: 32, layout: .q4K)) {
            try PackedMatrix(outputs: 1, inputs: 32, layout: .q4K, bytes: bytes.span.bytes)
        }
        #expect(throws: PackingError.wrongByteCount(expected: 68, found: 34)) {
            try PackedMatrix(outputs: 2, inputs: 32, layout: .q8_0, bytes: bytes.span.bytes)
        }
        #expect(throws: PackingError.shape(outputs: 0, inputs: 32)) {
            try PackedMatrix(outputs: 0, inputs: 32) { _, _ in }
        }
    }
}
