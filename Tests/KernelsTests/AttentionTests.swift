import Foundation
import Kernels
import Testing

/// One sequence's queries, keys and values, and the ways to run them.
struct AttentionCase {
    let heads: Int
    let kvHeads: Int
    let headDim: Int
    let positions: Int
    let queries, keys, values: RowBuffer

    init(heads: Int, kvHeads: Int, headDim: Int, positions: Int, seed: UInt64) {
        self.heads = heads
        self.kvHeads = kvHeads
        self.headDim = headDim
        self.positions = positions
        queries = .random(rows: positions, width: heads * headDim, seed: seed)
        keys = .random(rows: positions, width: kvHeads * headDim, seed: seed + 1)
        values = .random(rows: positions, width: kvHeads * headDim, seed: seed + 2)
    }

    var scale: Float { 4 / Float(headDim).squareRoot() }  // Sharper than usual, so that errors show.

    /// All positions in chunks of the given length, on pages that lie in any order.
    func run(_ context: ComputeContext, chunk: Int, pages: KeyValuePages, table: [Int32], layer: Int = 0) -> [[Float]] {
        var results: [[Float]] = []
        for first in stride(from: 0, to: positions, by: chunk) {
            let rows = min(chunk, positions - first)
            let (q, k, v) = (slice(queries, first, rows), slice(keys, first, rows), slice(values, first, rows))
            let output = RowBuffer(rowsMax: rows, width: heads * headDim)
            let plan = AttentionPlan([SequenceRun(pages: table, firstRow: 0, rows: rows, firstPosition: first)])
            context.append(keys: k.columns, values: v.columns, plan: plan, to: pages, layer: layer)
            context.attention(
                queries: q.columns, plan: plan, pages: pages, layer: layer, scale: scale, into: output.columns)
            results += output.rows(rows)
        }
        return results
    }

    /// softmax(scale q kᵀ) v over positions 0 ... p in double.
    func reference(position p: Int, head: Int) -> [Double] {
        let kvHead = head / (heads / kvHeads)
        func vector(_ buffer: RowBuffer, _ row: Int, _ head: Int) -> [Double] {
            buffer.array(row: row)[head * headDim..<(head + 1) * headDim].map(Double.init)
        }
        let q = vector(queries, p, head)
        let scores = (0...p).map { t in Double(scale) * zip(q, vector(keys, t, kvHead)).reduce(0) { $0 + $1.0 * $1.1 } }
        let top = scores.max() ?? 0
        let weights = scores.map { exp($0 - top) }
        let sum = weights.reduce(0, +)
        var result = [Double](repeating: 0, count: headDim)
        for (t, weight) in weights.enumerated() {
            for (d, value) in vector(values, t, kvHead).enumerated() { result[d] += weight / sum * value }
        }
        return result
    }

    private func slice(_ buffer: RowBuffer, _ first: Int, _ rows: Int) -> RowBuffer {
        RowBuffer((first..<first + rows).map { buffer.array(row: $0) })
    }
}

@Suite struct AttentionTests {
    static let shapes = [
        (heads: 2, kvHeads: 2, headDim: 16), (heads: 9, kvHeads: 3, headDim: 64), (heads: 4, kvHeads: 1, headDim: 80),
        (heads: 2, kvHeads: 1, headDim: 96), (heads: 4, kvHeads: 2, headDim: 128),
    ]

    @Test(arguments: shapes)
    func agreesWithDoublePrecision(_ shape: (heads: Int, kvHeads: Int, headDim: Int)) {
        let sequence = AttentionCase(
            heads: shape.heads, kvHeads: shape.kvHeads, headDim: shape.headDim, positions: 131, seed: 31)
        let pages = KeyValuePages(layers: 1, heads: shape.kvHeads, headDim: shape.headDim, pagesMax: 3)
        let context = ComputeContext(team: ComputeTeam(threads: 2))
        let results = sequence.run(context, chunk: 131, pages: pages, table: [0, 1, 2])
        for position in [0, 1, 15, 16, 63, 64, 100, 130] {
            for head in 0..<shape.heads {
                let found = results[position][head * shape.headDim..<(head + 1) * shape.headDim].map(Double.init)
                let error =
                    zip(found, sequence.reference(position: position, head: head)).map { abs($0 - $1) }.max() ?? 1
                #expect(error < 4e-6, "position \(position), head \(head)")
            }
        }
    }

    /// The bits of a position do not depend on chunks, page indices, layers, old contents, instruction set or threads.
    @Test(arguments: shapes)
    func bitsAreThoseOfOnePositionAtATime(_ shape: (heads: Int, kvHeads: Int, headDim: Int)) {
        let sequence = AttentionCase(
            heads: shape.heads, kvHeads: shape.kvHeads, headDim: shape.headDim, positions: 140, seed: 41)
        func pages() -> KeyValuePages {
            KeyValuePages(layers: 2, heads: shape.kvHeads, headDim: shape.headDim, pagesMax: 8)
        }
        let expected = sequence.run(portableContext(), chunk: 1, pages: pages(), table: [0, 1, 2]).map(\.bits)
        forEveryContext { context, name in
            for chunk in [1, 7, 64, 140] {
                let results = sequence.run(context, chunk: chunk, pages: pages(), table: [6, 2, 5], layer: 1).map(
                    \.bits)
                #expect(results == expected, "chunks of \(chunk), \(name)")
            }
        }
    }

    /// Sequences of several lengths in one batch, at different positions, with a row between them that belongs to none.
    @Test func neighboursChangeNothing() {
        let long = AttentionCase(heads: 6, kvHeads: 2, headDim: 32, positions: 200, seed: 51)
        let short = AttentionCase(heads: 6, kvHeads: 2, headDim: 32, positions: 70, seed: 61)
        func pages() -> KeyValuePages { KeyValuePages(layers: 1, heads: 2, headDim: 32, pagesMax: 16) }
        let alone = (
            long.run(portableContext(), chunk: 200, pages: pages(), table: [0, 1, 2, 3]),
            short.run(portableContext(), chunk: 70, pages: pages(), table: [0, 1])
        )
        forEveryContext { context, name in
            let pages = pages()
            // First 120 positions of one and 69 of the other apart, then 80 rows and 1 row together.
            _ = AttentionCase.prefix(long, 120).run(context, chunk: 120, pages: pages, table: [9, 3, 7, 1])
            _ = AttentionCase.prefix(short, 69).run(context, chunk: 69, pages: pages, table: [0, 8])
            func batch(_ key: KeyPath<AttentionCase, RowBuffer>) -> RowBuffer {
                let width = long[keyPath: key].width
                return RowBuffer(
                    [short[keyPath: key].array(row: 69), [Float](repeating: .nan, count: width)]
                        + (120..<200).map { long[keyPath: key].array(row: $0) })
            }
            let plan = AttentionPlan([
                SequenceRun(pages: [9, 3, 7, 1], firstRow: 2, rows: 80, firstPosition: 120),
                SequenceRun(pages: [0, 8], firstRow: 0, rows: 1, firstPosition: 69),
            ])
            #expect(plan.positions == [69, 0] + Array(120..<200))
            let output = RowBuffer(rowsMax: 82, width: 6 * 32)
            context.append(
                keys: batch(\.keys).columns, values: batch(\.values).columns, plan: plan, to: pages, layer: 0)
            context.attention(
                queries: batch(\.queries).columns, plan: plan, pages: pages, layer: 0, scale: long.scale,
                into: output.columns)
            #expect(output.array(row: 0).bits == alone.1[69].bits, "\(name)")
            #expect(output.array(row: 1) == [Float](repeating: 0, count: 6 * 32), "\(name)")
            for row in 0..<80 { #expect(output.array(row: 2 + row).bits == alone.0[120 + row].bits, "\(row), \(name)") }
        }
    }

    @Test func pagesAreHandedOutOnceAndComeBackEmpty() throws {
        let pages = KeyValuePages(layers: 1, heads: 1, headDim: 16, pagesMax: 2)
        #expect([pages.allocate(), pages.allocate(), pages.allocate()] == [0, 1, nil])
        #expect(pages.bytesPerPage == 2 * 16 * 64 * 4)
        // A sequence that leaves values of infinity behind must not reach the next owner's masked positions.
        let rows = RowBuffer([[Float](repeating: .infinity, count: 16)])
        let context = portableContext()
        let late = AttentionPlan([SequenceRun(pages: [1], firstRow: 0, rows: 1, firstPosition: 9)])
        context.append(keys: rows.columns, values: rows.columns, plan: late, to: pages, layer: 0)
        pages.release(1)
        #expect(pages.freePages == 1)
        let page = try #require(pages.allocate())
        #expect(page == 1)
        let first = AttentionPlan([SequenceRun(pages: [page], firstRow: 0, rows: 1, firstPosition: 0)])
        let ones = RowBuffer([[Float](repeating: 1, count: 16)])
        let output = RowBuffer(rowsMax: 1, width: 16)
        context.append(keys: ones.columns, values: ones.columns, plan: first, to: pages, layer: 0)
        context.attention(queries: ones.columns, plan: first, pages: pages, layer: 0, scale: 1, into: output.columns)
        #expect(output.array(row: 0) == [Float](repeating: 1, count: 16))
    }
}

extension AttentionCase {
    /// The first `positions` of another case.
    static func prefix(_ other: AttentionCase, _ positions: Int) -> AttentionCase { AttentionCase(other, positions) }

    private init(_ other: AttentionCase, _ positions: Int) {
        heads = other.heads
        kvHeads = other.kvHeads
        headDim = other.headDim
        self.positions = positions
        queries = other.queries
        keys = other.keys
        values = other.values
    }
}
