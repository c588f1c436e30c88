import Kernels
import Testing

/// Low-rank pairs and gates: equal bits whatever the instruction set, rows beside it and threads; against double precision.
struct PairTests {
    struct Shape: CustomTestStringConvertible, Sendable {
        let rank: Int, inputs: Int, outputs: Int
        let format: ElementFormat
        var testDescription: String { "rank \(rank), \(inputs) -> \(outputs), \(format.rawValue)" }
    }

    static let shapes: [Shape] = ElementFormat.allCases.flatMap { format in
        [
            Shape(rank: 8, inputs: 576, outputs: 192, format: format),
            Shape(rank: 16, inputs: 64, outputs: 100, format: format),
            Shape(rank: 3, inputs: 45, outputs: 33, format: format),
            Shape(rank: 1, inputs: 7, outputs: 5, format: format),
            Shape(rank: 70, inputs: 131, outputs: 48, format: format),
            Shape(rank: 2, inputs: 24, outputs: 16, format: format),
        ]
    }

    /// A pair with what its stored numbers are in f32.
    struct Fixture {
        let pair: PackedPair
        let down: [Float]
        let up: [Float]

        init(_ shape: Shape, transposed: Bool = false) throws {
            var random = SplitMix64(7)
            down = random.floats(shape.rank * shape.inputs).map { Stored.rounded($0, shape.format) }
            up = random.floats(shape.outputs * shape.rank).map { Stored.rounded($0, shape.format) }
            let a = Stored.bytes(down, shape.format, rows: shape.rank, columns: shape.inputs, transposed: transposed)
            let b = Stored.bytes(up, shape.format, rows: shape.outputs, columns: shape.rank, transposed: transposed)
            pair = try PackedPair(
                scale: 1.75,
                down: StoredShape(shape.format, rows: shape.rank, columns: shape.inputs, isTransposed: transposed),
                downBytes: a.span.bytes,
                up: StoredShape(shape.format, rows: shape.outputs, columns: shape.rank, isTransposed: transposed),
                upBytes: b.span.bytes)
        }
    }

    @Test(arguments: shapes)
    func pairsAgreeWithDoublePrecision(shape: Shape) throws {
        let fixture = try Fixture(shape)
        let rows = 5
        let x = RowBuffer.random(rows: rows, width: shape.inputs, seed: 3)
        let found = Self.through(fixture.pair, x, rows: Array(0..<Int32(rows)), threads: 1, set: .best)
        for row in 0..<rows {
            let u = x.array(row: row)
            let z = (0..<shape.rank).map { j in
                (0..<shape.inputs).reduce(0.0) { $0 + Double(u[$1]) * Double(fixture.down[j * shape.inputs + $1]) }
            }
            for o in 0..<shape.outputs {
                let expected =
                    1.75 * (0..<shape.rank).reduce(0.0) { $0 + z[$1] * Double(fixture.up[o * shape.rank + $1]) }
                let size = z.reduce(1) { $0 + abs($1) }
                #expect(abs(Double(found[row * shape.outputs + o]) - expected) < 4e-6 * size)
            }
        }
    }

    @Test(arguments: shapes)
    func aPairHasOneOrder(shape: Shape) throws {
        let fixture = try Fixture(shape)
        let rows = 500
        let x = RowBuffer.random(rows: rows, width: shape.inputs, seed: 4)
        let all = Self.through(fixture.pair, x, rows: Array(0..<Int32(rows)), threads: 1, set: .portable)
        for set in InstructionSet.available {
            for threads in [1, 3] {
                #expect(Self.through(fixture.pair, x, rows: Array(0..<Int32(rows)), threads: threads, set: set) == all)
            }
            for row in [0, 1, 11, 12, 47, 499] {
                let alone = Self.through(fixture.pair, x, rows: [Int32(row)], threads: 2, set: set)
                #expect(alone == Array(all[row * shape.outputs..<(row + 1) * shape.outputs]))
            }
        }
        #expect(all.contains { $0 != 0 })
    }

    @Test(arguments: shapes)
    func theOrderOfTheFileDoesNotMatter(shape: Shape) throws {
        let x = RowBuffer.random(rows: 3, width: shape.inputs, seed: 5)
        let plain = Self.through(try Fixture(shape).pair, x, rows: [2, 0], threads: 1, set: .best)
        #expect(
            Self.through(try Fixture(shape, transposed: true).pair, x, rows: [2, 0], threads: 1, set: .best) == plain)
    }

    @Test(arguments: [1, 5, 8, 24, 384])
    func gatesHaveOneOrder(count: Int) throws {
        let (inputs, rows) = (572, 100)
        var random = SplitMix64(8)
        let values = random.floats(count * inputs)
        let gates = try PackedGates(values, inputs: inputs)
        let x = RowBuffer.random(rows: rows, width: inputs, seed: 9)
        let reference = Self.dots(gates, x, rows: rows, threads: 1, set: .portable)
        for set in InstructionSet.available {
            for threads in [1, 3] {
                let found = Self.dots(gates, x, rows: rows, threads: threads, set: set)
                #expect(found == reference)
                let one = Self.dots(gates, x, rows: 1, threads: threads, set: set)
                #expect(one.dots == [reference.dots[0]] && one.moments == [reference.moments[0]])
            }
        }
        for row in [0, 57] {
            let u = x.array(row: row).map(Double.init)
            for j in 0..<count {
                let expected = (0..<inputs).reduce(0.0) { $0 + u[$1] * Double(values[j * inputs + $1]) }
                #expect(abs(Double(reference.dots[row][j]) - expected) < 2e-4)
            }
            let mean = u.reduce(0, +) / Double(inputs)
            let variance = u.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / Double(inputs)
            let norm = u.map { $0 * $0 }.reduce(0, +).squareRoot()
            for (found, expected) in zip(reference.moments[row], [mean, variance, norm]) {
                #expect(abs(Double(found) - expected) < 1e-5 * max(1, norm))
            }
        }
    }

    @Test func blocksAreAddedInOrder() throws {
        let (rows, width) = (200, 40)
        let arena = RowArena()
        let starts = (0..<3).map { _ in arena.append(floats: rows * width) }
        var random = SplitMix64(10)
        let values = random.floats(3 * rows * width)
        for (block, start) in starts.enumerated() {
            arena.withBlock(at: start, floats: rows * width) { span in
                for i in 0..<rows * width { span[i] = values[block * rows * width + i] }
            }
        }
        let indices = (0..<3).flatMap { _ in (0..<Int32(rows)).map { $0 } }
        let weights = random.floats(3 * rows)
        let y = RowBuffer.random(rows: rows, width: width, seed: 11)
        let before = (0..<rows).map { y.array(row: $0) }
        ComputeContext(team: ComputeTeam(threads: 3)).add(
            starts.enumerated().map { WeightedBlock(first: $0 * rows, count: rows, start: $1, output: y.columns) },
            rowIndices: indices, weights: weights, from: arena, rows: rows)
        for row in 0..<rows {
            for o in 0..<width {
                var expected = before[row][o]
                for block in 0..<3 {
                    expected.addProduct(weights[block * rows + row], values[(block * rows + row) * width + o])
                }
                #expect(y.array(row: row)[o] == expected)
            }
        }
    }

    /// Rows through two pairs, weighted and added at once, are what both steps give.
    @Test(arguments: shapes)
    func addedAtOnceIsTheSame(shape: Shape) throws {
        let pair = try Fixture(shape).pair
        let rows = 101
        let x = RowBuffer.random(rows: rows, width: shape.inputs, seed: 12)
        // The first pair has every row, the second every third.
        let indices = (0..<Int32(rows)).map { $0 } + (0..<Int32(rows)).filter { $0 % 3 == 1 }
        let counts = [rows, indices.count - rows]
        var random = SplitMix64(13)
        let weights = random.floats(indices.count)
        func y() -> RowBuffer { RowBuffer.random(rows: rows, width: shape.outputs, seed: 14) }

        let expected = y(), arena = RowArena()
        let starts = counts.map { arena.append(floats: $0 * shape.outputs) }
        let portable = ComputeContext(team: ComputeTeam(threads: 1), instructionSet: .portable)
        portable.multiply(
            x.columns, rowIndices: indices,
            by: [
                PairWork(pair, first: 0, count: rows, start: starts[0]),
                PairWork(pair, first: rows, count: counts[1], start: starts[1]),
            ], into: arena)
        portable.add(
            [
                WeightedBlock(first: 0, count: rows, start: starts[0], output: expected.columns),
                WeightedBlock(first: rows, count: counts[1], start: starts[1], output: expected.columns),
            ], rowIndices: indices, weights: weights, from: arena, rows: rows)
        #expect(expected.array(row: 0) != y().array(row: 0))
        for set in InstructionSet.available {
            for threads in [1, 3] {
                let found = y()
                ComputeContext(team: ComputeTeam(threads: threads), instructionSet: set).add(
                    x.columns, rowIndices: indices, weights: weights,
                    by: [
                        PairShare(pair, first: 0, count: rows, output: found.columns),
                        PairShare(pair, first: rows, count: counts[1], output: found.columns),
                    ], rows: rows)
                #expect((0..<rows).allSatisfy { found.array(row: $0) == expected.array(row: $0) })
            }
        }
    }

    /// In one dispatch with a product of the same rows: the bits of either alone.
    @Test(arguments: [1, 13, 40])
    func gatesAlongAProductAreTheSame(rows: Int) throws {
        let (inputs, outputs) = (576, 200)
        var random = SplitMix64(31)
        let bytes = BlockLayout.q8_0.randomRows(outputs, inputs: inputs, random: &random)
        let matrix = try PackedMatrix(outputs: outputs, inputs: inputs, layout: .q8_0, bytes: bytes.span.bytes)
        let kinds = [24, 9].map { count in random.floats(count * inputs) }
        let gates = try kinds.map { try PackedGates($0, inputs: inputs) }
        let x = RowBuffer.random(rows: rows, width: inputs, seed: 33)
        for set in InstructionSet.available {
            for threads in [1, 2, 3] {
                let context = ComputeContext(team: ComputeTeam(threads: threads), instructionSet: set)
                let alone = RowBuffer(rowsMax: rows, width: outputs)
                let together = RowBuffer(rowsMax: rows, width: outputs)
                context.multiply(x.columns, rows: rows, by: matrix, into: alone.columns)
                let dots = gates.map { RowBuffer(rowsMax: rows, width: $0.count) }
                let moments = RowBuffer(rowsMax: rows, width: 3)
                context.multiply(
                    x.columns, rows: rows, by: [Product(matrix, into: together.columns)],
                    and: [
                        GateProduct(gates[0], into: dots[0].columns, moments: moments),
                        GateProduct(gates[1], into: dots[1].columns, moments: nil),
                    ])
                for (gate, dots) in zip(gates, dots) {
                    let expected = Self.dots(gate, x, rows: rows, threads: 1, set: .portable)
                    #expect((0..<rows).map { dots.array(row: $0) } == expected.dots)
                    #expect((0..<rows).map { moments.array(row: $0) } == expected.moments)
                }
                #expect((0..<rows).allSatisfy { together.array(row: $0) == alone.array(row: $0) })
            }
        }
    }

    @Test func pairsThatDoNotFitAreRefused() throws {
        let bytes = [UInt16](repeating: 0, count: 64)
        #expect(throws: PackingError.rank(down: 4, up: 8)) {
            _ = try PackedPair(
                scale: 1, down: StoredShape(.float16, rows: 4, columns: 16), downBytes: bytes.span.bytes,
                up: StoredShape(.float16, rows: 8, columns: 8), upBytes: bytes.span.bytes)
        }
        #expect(throws: PackingError.wrongByteCount(expected: 130, found: 128)) {
            _ = try PackedPair(
                scale: 1, down: StoredShape(.bfloat16, rows: 5, columns: 13), downBytes: bytes.span.bytes,
                up: StoredShape(.float16, rows: 8, columns: 8), upBytes: bytes.span.bytes)
        }
    }

    private static func through(
        _ pair: PackedPair, _ x: RowBuffer, rows: [Int32], threads: Int, set: InstructionSet
    ) -> [Float] {
        let arena = RowArena()
        let start = arena.append(floats: rows.count * pair.outputs)
        ComputeContext(team: ComputeTeam(threads: threads), instructionSet: set).multiply(
            x.columns, rowIndices: rows, by: [PairWork(pair, first: 0, count: rows.count, start: start)], into: arena)
        return arena.withBlock(at: start, floats: rows.count * pair.outputs) { span in
            span.indices.map { span[$0] }
        }
    }

    private struct Dots: Equatable {
        var dots: [[Float]] = []
        var moments: [[Float]] = []
    }

    private static func dots(
        _ gates: PackedGates, _ x: RowBuffer, rows: Int, threads: Int, set: InstructionSet
    ) -> Dots {
        let output = RowBuffer(rowsMax: rows, width: gates.count)
        let moments = RowBuffer(rowsMax: rows, width: 3)
        ComputeContext(team: ComputeTeam(threads: threads), instructionSet: set).multiply(
            x.columns, rows: rows, by: GateProduct(gates, into: output.columns, moments: moments))
        return Dots(dots: (0..<rows).map { output.array(row: $0) }, moments: (0..<rows).map { moments.array(row: $0) })
    }
}

/// Numbers as files store them.
enum Stored {
    static func rounded(_ value: Float, _ format: ElementFormat) -> Float {
        switch format {
        case .float32: value
        case .float16: Float(Float16(value))
        case .bfloat16: Float(bitPattern: value.bitPattern & 0xffff_0000)
        }
    }

    static func bytes(_ values: [Float], _ format: ElementFormat, rows: Int, columns: Int, transposed: Bool) -> [UInt8]
    {
        var bytes: [UInt8] = []
        for index in values.indices {
            let value = transposed ? values[index % rows * columns + index / rows] : values[index]
            switch format {
            case .float32: withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes += $0 }
            case .float16: withUnsafeBytes(of: Float16(value).bitPattern.littleEndian) { bytes += $0 }
            case .bfloat16: withUnsafeBytes(of: UInt16(value.bitPattern >> 16).littleEndian) { bytes += $0 }
            }
        }
        return bytes
    }
}
