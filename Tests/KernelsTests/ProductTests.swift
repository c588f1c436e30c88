import Kernels
import Testing

/// f32 products against a chain of fused multiply-adds in k order, which is what the kernels promise to be, bit for bit.
@Suite struct ProductTests {
    static let shapes = [(outputs: 1, inputs: 1), (outputs: 70, inputs: 33), (outputs: 200, inputs: 160)]

    static func chain(_ x: [Float], _ weights: [Float]) -> Float {
        zip(x, weights).reduce(Float(0)) { $0.addingProduct($1.0, $1.1) }
    }

    @Test(arguments: shapes)
    func everyContextGivesTheChain(_ shape: (outputs: Int, inputs: Int)) throws {
        var random = SplitMix64(7)
        let weights = (0..<shape.outputs).map { _ in random.floats(shape.inputs) }
        let matrix = try PackedMatrix(outputs: shape.outputs, inputs: shape.inputs) { output, row in
            for k in 0..<shape.inputs { row[k] = weights[output][k] }
        }
        let x = RowBuffer.random(rows: 516, width: shape.inputs, seed: 8)
        let expected = x.rows(516).map { row in weights.map { Self.chain(row, $0) }.bits }
        forEveryContext { context, name in
            for rows in rowCounts {
                let output = RowBuffer(rowsMax: rows, width: shape.outputs)
                context.multiply(x.columns, rows: rows, by: matrix, into: output.columns)
                for row in 0..<rows where output.array(row: row).bits != expected[row] {
                    Issue.record("row \(row) of \(rows), \(name)")
                }
            }
        }
    }

    @Test func valuesAgreeWithDoublePrecision() throws {
        let (outputs, inputs) = (64, 1536)
        var random = SplitMix64(9)
        let weights = (0..<outputs).map { _ in random.floats(inputs) }
        let matrix = try PackedMatrix(outputs: outputs, inputs: inputs) { output, row in
            for k in 0..<inputs { row[k] = weights[output][k] }
        }
        let x = RowBuffer.random(rows: 3, width: inputs, seed: 10)
        let output = RowBuffer(rowsMax: 3, width: outputs)
        ComputeContext(team: ComputeTeam(threads: 2)).multiply(x.columns, rows: 3, by: matrix, into: output.columns)
        for row in 0..<3 {
            let (inputs, results) = (x.array(row: row), output.array(row: row))
            for o in 0..<outputs {
                let terms = zip(inputs, weights[o]).map { Double($0) * Double($1) }
                // Rounding errors of 1536 additions, at random.
                let bound = terms.reduce(0) { $0 + abs($1) } * 0x1p-24 * 20
                #expect(abs(Double(results[o]) - terms.reduce(0, +)) < bound)
            }
        }
    }

    /// Several matrices of different formats that share an input, into columns of one buffer, one of them added to what is there.
    @Test func oneDispatchOverSeveralMatrices() throws {
        var random = SplitMix64(11)
        let inputs = 64
        let bytes = BlockLayout.q4_1.randomRows(75, inputs: inputs, random: &random)
        let plain = try PackedMatrix(outputs: 100, inputs: inputs) { output, row in
            for k in 0..<inputs { row[k] = Float(output - k) / 64 }
        }
        let blocks = try PackedMatrix(outputs: 75, inputs: inputs, layout: .q4_1, bytes: bytes.span.bytes)
        let x = RowBuffer.random(rows: 200, width: inputs, seed: 12)
        let apart = RowBuffer(rowsMax: 200, width: 175)
        let portable = portableContext()
        portable.multiply(x.columns, rows: 200, by: plain, into: apart.columns(0..<100))
        portable.multiply(x.columns, rows: 200, by: blocks, into: apart.columns(100..<175))
        forEveryContext { context, name in
            let together = RowBuffer(rowsMax: 200, width: 180)
            for row in 0..<200 { together.write([Float](repeating: 3, count: 180), row: row) }
            context.multiply(
                x.columns, rows: 200,
                by: [
                    Product(plain, into: together.columns(0..<100)),
                    Product(blocks, into: together.columns(100..<175), accumulate: true),
                ])
            for row in 0..<200 {
                let expected = apart.array(row: row).enumerated().map { $0 < 100 ? $1 : 3 + $1 } + [3, 3, 3, 3, 3]
                #expect(together.array(row: row).bits == expected.bits, "row \(row), \(name)")
            }
        }
    }

    /// Matrices with rows of their own, of any number, as a mixture's experts have them: the bits of one after the other.
    @Test func groupsOfRows() throws {
        var random = SplitMix64(13)
        let counts = [1, 7, 0, 133, 2, 64, 300]
        let bytes = BlockLayout.q8_0.randomRows(70, inputs: 64, random: &random)
        let matrices = try counts.indices.map { group in
            try group % 2 == 0
                ? PackedMatrix(outputs: 70, inputs: 64) { output, row in
                    for k in 0..<64 { row[k] = Float(output - k * group) / 64 }
                } : PackedMatrix(outputs: 70, inputs: 64, layout: .q8_0, bytes: bytes.span.bytes)
        }
        let rows = counts.reduce(0, +)
        let x = RowBuffer.random(rows: rows, width: 64, seed: 14)
        let apart = RowBuffer(rowsMax: rows, width: 70)
        let portable = portableContext()
        var groups: [(matrix: PackedMatrix, rows: Range<Int>)] = []
        for (matrix, count) in zip(matrices, counts) {
            let first = groups.last?.rows.upperBound ?? 0
            groups.append((matrix, first..<first + count))
            let (own, result) = (
                RowBuffer(rowsMax: max(1, count), width: 64), RowBuffer(rowsMax: max(1, count), width: 70)
            )
            for row in 0..<count { own.copyRow(row, from: x, row: first + row) }
            portable.multiply(own.columns, rows: count, by: matrix, into: result.columns)
            for row in 0..<count { apart.copyRow(first + row, from: result, row: row) }
        }
        forEveryContext { context, name in
            let together = RowBuffer(rowsMax: rows, width: 70)
            context.multiply(
                x.columns, rows: rows, byGroups: groups.map { (Product($0.matrix, into: together.columns), $0.rows) })
            for row in 0..<rows where together.array(row: row).bits != apart.array(row: row).bits {
                Issue.record("row \(row), \(name)")
            }
        }
    }
}
