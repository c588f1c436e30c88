import CKernels

/// How fast the kernels are on this machine, for `skein bench kernels`.
package enum KernelTimings {
    package struct Timing: Sendable {
        /// What ran, with its shape.
        package let name: String
        /// Best of the runs.
        package let microseconds: Double
        /// 10⁹ multiplications and additions per second.
        package let gigaOperations: Double
        /// 10⁹ bytes of weights (or keys and values) read per second.
        package let gigabytes: Double
    }

    /// Every shape for `milliseconds` each; allocates up to about 250 MB.
    package static func measure(_ context: ComputeContext, milliseconds: Int = 200) throws(PackingError) -> [Timing] {
        var timings: [Timing] = []
        for format: MatrixFormat in [.elements(.float32), .elements(.float16), .blocks(.q8_0), .blocks(.q4_1)] {
            let matrix = try matrix(format, outputs: 1536, inputs: 576)
            for rows in [1, 4, 16, 128, 512] {
                timings.append(product(context, [matrix], rows: rows, milliseconds, "in cache"))
            }
            // Enough matrices that the last-level cache keeps none until its next turn, as in decoding.
            var matrices = [matrix]
            while matrices.count * matrix.bytes < 100 << 20 {
                matrices.append(try Self.matrix(format, outputs: 1536, inputs: 576))
            }
            timings.append(product(context, matrices, rows: 1, milliseconds, "streamed"))
        }
        timings.append(attention(context, rows: 512, positions: 512, milliseconds))
        timings.append(attention(context, rows: 1, positions: 2048, milliseconds))
        return timings
    }

    private static func matrix(
        _ format: MatrixFormat, outputs: Int, inputs: Int
    ) throws(PackingError) -> PackedMatrix {
        switch format {
        case .elements(.float32):
            return try PackedMatrix(outputs: outputs, inputs: inputs) { output, row in
                for k in 0..<inputs { row[k] = Float((output * 7 + k) % 31) / 31 - 0.5 }
            }
        case .elements(let elements):
            // The exponents of 0x3c00 and 0x3f80 are about 1 in f16 and bf16.
            let start: UInt16 = elements == .float16 ? 0x3c00 : 0x3f80
            return try PackedMatrix(outputs: outputs, inputs: inputs, elements: elements) { output, take in
                let row = (0..<inputs).map { start + UInt16((output * 7 + $0) % 31) }
                take(row.span.bytes)
            }
        case .blocks(let layout):
            return try PackedMatrix(outputs: outputs, inputs: inputs, layout: layout) { output, row in
                for index in 0..<row.byteCount {
                    row.storeBytes(of: UInt8((output + index) % 31 + 16), toByteOffset: index, as: UInt8.self)
                }
            }
        }
    }

    private static func rows(_ count: Int, width: Int) -> RowBuffer {
        let buffer = RowBuffer(rowsMax: count, width: width)
        for row in 0..<count {
            buffer.withMutableRow(row) { span in for k in 0..<width { span[k] = Float((row + k) % 37) / 37 - 0.5 } }
        }
        return buffer
    }

    private static func product(
        _ context: ComputeContext, _ matrices: [PackedMatrix], rows count: Int, _ milliseconds: Int, _ place: String
    ) -> Timing {
        let (outputs, inputs) = (matrices[0].outputs, matrices[0].inputs)
        let (x, output) = (rows(count, width: inputs), RowBuffer(rowsMax: count, width: outputs))
        let seconds = best(milliseconds) {
            for matrix in matrices { context.multiply(x.columns, rows: count, by: matrix, into: output.columns) }
        }
        let format = matrices[0].format.name
        return timing(
            "\(format) [\(count), \(inputs)] x [\(outputs), \(inputs)] \(place)", seconds / Double(matrices.count),
            operations: 2 * count * inputs * outputs, bytes: matrices[0].bytes)
    }

    /// SmolLM2-135M's heads: 9 for queries, 3 for keys and values, 64 wide.
    private static func attention(
        _ context: ComputeContext, rows count: Int, positions: Int, _ milliseconds: Int
    ) -> Timing {
        let pageCount = (positions + KeyValuePages.positionsPerPage - 1) / KeyValuePages.positionsPerPage
        let pages = KeyValuePages(layers: 1, heads: 3, headDim: 64, pagesMax: pageCount)
        let table = (0..<pageCount).compactMap { _ in pages.allocate() }
        let (queries, values) = (rows(count, width: 576), rows(positions, width: 192))
        let fill = AttentionPlan([SequenceRun(pages: table, firstRow: 0, rows: positions, firstPosition: 0)])
        context.append(keys: values.columns, values: values.columns, plan: fill, to: pages, layer: 0)
        let plan = AttentionPlan([
            SequenceRun(pages: table, firstRow: 0, rows: count, firstPosition: positions - count)
        ])
        let output = RowBuffer(rowsMax: count, width: 576)
        let seconds = best(milliseconds) {
            context.attention(
                queries: queries.columns, plan: plan, pages: pages, layer: 0, scale: 0.125, into: output.columns)
        }
        let seen = (positions - count..<positions).reduce(0) { $0 + $1 + 1 }
        return timing(
            "attention of \(count) rows over \(positions) positions", seconds, operations: 4 * 576 * seen,
            bytes: 2 * 4 * 192 * positions)
    }

    private static func timing(_ name: String, _ seconds: Double, operations: Int, bytes: Int) -> Timing {
        Timing(
            name: name, microseconds: seconds * 1e6, gigaOperations: Double(operations) / seconds * 1e-9,
            gigabytes: Double(bytes) / seconds * 1e-9)
    }

    /// The shortest of repeated runs, in seconds.
    private static func best(_ milliseconds: Int, _ body: () -> Void) -> Double {
        let clock = ContinuousClock()
        let end = clock.now + .milliseconds(milliseconds)
        var best = clock.measure(body)
        repeat { best = min(best, clock.measure(body)) } while clock.now < end
        return best / .seconds(1)
    }
}
