import Foundation
import Kernels
import Testing

@Suite struct FloatProductTests {
    /// [lines, width] at every `stride`, with numbers in the gaps that nothing may touch.
    private struct Grid {
        let lines, width, stride: Int
        var floats: [Float]

        init(_ lines: Int, _ width: Int, gap: Int, seed: UInt64) {
            (self.lines, self.width, stride) = (lines, width, width + gap)
            var random = SplitMix64(seed)
            floats = random.floats(lines * (width + gap))
        }

        subscript(line: Int, place: Int) -> Double { Double(floats[line * stride + place]) }
    }

    /// (rows, columns, depth): fewer than a tile, whole panels, beyond a panel, beyond the depth of a panel, few rows of whole vectors, narrow.
    static let shapes = [
        (1, 1, 1), (7, 8, 100), (6, 64, 33), (13, 83, 20), (5, 130, 1700), (20, 16, 16), (35, 33, 31), (8, 80, 900),
        (30, 8, 50), (17, 5, 41),
    ]

    @Test(arguments: shapes, [false, true])
    func everyWayToStoreAndEveryInstructionSet(shape: (Int, Int, Int), accumulates: Bool) {
        let (rows, columns, depth) = shape
        for (turnsX, turnsW) in [(false, false), (true, false), (false, true), (true, true)] {
            let product = FloatProduct(
                rows: rows, columns: columns, depth: depth, scale: 0.75, turnsX: turnsX, turnsW: turnsW,
                accumulates: accumulates)
            let x = turnsX ? Grid(depth, rows, gap: 3, seed: 1) : Grid(rows, depth, gap: 3, seed: 1)
            let w = turnsW ? Grid(columns, depth, gap: 5, seed: 2) : Grid(depth, columns, gap: 5, seed: 2)
            let start = Grid(rows, columns, gap: 2, seed: 3)
            let expected = Self.run(product, x, w, start, portableContext())
            for row in 0..<rows {
                for column in 0..<columns {
                    let first = accumulates ? start[row, column] : 0
                    var (sum, size) = (first, abs(first))
                    for k in 0..<depth {
                        let term =
                            0.75 * (turnsX ? x[k, row] : x[row, k]) * (turnsW ? w[column, k] : w[k, column])
                        (sum, size) = (sum + term, size + abs(term))
                    }
                    // A rounding of 2^-24 per term, which for the most part cancel.
                    let bound = (Double(depth).squareRoot() + 2) * 0x1p-23 * size
                    #expect(abs(expected[row, column] - sum) <= bound, "\(product) at \(row), \(column)")
                }
                for place in columns..<min(start.stride, start.floats.count - row * start.stride) {
                    #expect(expected[row, place] == start[row, place], "\(product) writes behind row \(row)")
                }
            }
            forEveryContext { context, name in
                #expect(
                    Self.run(product, x, w, start, context).floats.bits == expected.floats.bits, "\(product), \(name)")
            }
        }
    }

    /// The same chains, wherever w lies: bits do not change.
    @Test(arguments: shapes, [false, true])
    func panelsGiveTheBitsOfPlainRows(shape: (Int, Int, Int), turnsW: Bool) {
        let (rows, columns, depth) = shape
        let (lines, width) = turnsW ? (columns, depth) : (depth, columns)
        let (x, w) = (Grid(rows, depth, gap: 3, seed: 4), Grid(lines, width, gap: 0, seed: 5))
        let start = Grid(rows, columns, gap: 2, seed: 6)
        let panel = FloatProduct.panelColumns
        var panels = [Float](repeating: 0, count: (width + panel - 1) / panel * lines * panel)
        for line in 0..<lines {
            for place in 0..<width {
                panels[(place / panel * lines + line) * panel + place % panel] = w.floats[line * width + place]
            }
        }
        var stored = Grid(1, panels.count, gap: 0, seed: 7)
        stored.floats = panels
        forEveryContext { context, name in
            for accumulates in [false, true] {
                var product = FloatProduct(
                    rows: rows, columns: columns, depth: depth, turnsW: turnsW, accumulates: accumulates)
                let plain = Self.run(product, x, w, start, context)
                product.wInPanels = true
                #expect(Self.run(product, x, stored, start, context).floats.bits == plain.floats.bits, "\(name)")
            }
        }
    }

    /// A triangle that is left out gives the bits of zeros that are multiplied.
    @Test(arguments: [(30, 30, 0), (128, 128, 0), (13, 40, 27), (7, 900, 893), (1, 9, 8)], [false, true])
    func triangles(shape: (rows: Int, columns: Int, diagonal: Int), accumulates: Bool) {
        let (queries, keys, before) = shape
        var weights = Grid(queries, keys, gap: 3, seed: 8)
        for query in 0..<queries {
            for key in before + query + 1..<max(keys, before + query + 1) {
                weights.floats[query * weights.stride + key] = 0
            }
        }
        let values = Grid(keys, 24, gap: 2, seed: 9)
        let above = Grid(queries, 24, gap: 2, seed: 10)
        var forward = FloatProduct(rows: queries, columns: 24, depth: keys, scale: 0.75, accumulates: accumulates)
        var back = FloatProduct(
            rows: keys, columns: 24, depth: queries, scale: 0.75, turnsX: true, accumulates: accumulates)
        var scores = FloatProduct(rows: queries, columns: keys, depth: 24, turnsW: true, accumulates: accumulates)
        let starts = (
            Grid(queries, 24, gap: 1, seed: 11), Grid(keys, 24, gap: 1, seed: 12), Grid(queries, keys, gap: 1, seed: 13)
        )
        let plain = portableContext()
        let expected = (
            Self.run(forward, weights, values, starts.0, plain), Self.run(back, weights, above, starts.1, plain),
            Self.run(scores, above, values, starts.2, plain)
        )
        forward.triangle = .xBelow(diagonal: before)
        back.triangle = .xAbove(diagonal: before)
        scores.triangle = .outBelow(diagonal: before)
        var written: [[UInt32]] = []
        forEveryContext { context, name in
            #expect(
                Self.run(forward, weights, values, starts.0, context).floats.bits == expected.0.floats.bits, "\(name)")
            #expect(Self.run(back, weights, above, starts.1, context).floats.bits == expected.1.floats.bits, "\(name)")
            let out = Self.run(scores, above, values, starts.2, context)
            for query in 0..<queries {
                let wanted = query * out.stride..<query * out.stride + min(before + query + 1, keys)
                #expect(Array(out.floats[wanted]).bits == Array(expected.2.floats[wanted]).bits, "\(name), \(query)")
            }
            written.append(out.floats.bits)
        }
        #expect(written.allSatisfy { $0 == written[0] })
    }

    private static func run(_ product: FloatProduct, _ x: Grid, _ w: Grid, _ start: Grid, _ context: ComputeContext)
        -> Grid
    {
        var out = start
        var span = out.floats.mutableSpan
        context.multiply(
            product, x.floats.span, strideX: x.stride, w.floats.span, strideW: w.stride, into: &span,
            strideOut: start.stride)
        return out
    }

    /// Against slopes of the function itself, in double precision.
    @Test(arguments: [1, 16, 37])
    func gatedGradients(count: Int) {
        var random = SplitMix64(9)
        let (above, gate, up) = (
            random.floats(count), random.floats(count, in: -9...9), random.floats(count, in: -2...2)
        )
        var results: [[Float]] = []
        forEveryContext { context, _ in
            var gateBelow = [Float](repeating: 0, count: count)
            var upBelow = gateBelow
            var gateSpan = gateBelow.mutableSpan
            var upSpan = upBelow.mutableSpan
            context.swiGLUBackward(
                above: above.span, gate: gate.span, up: up.span, gateBelow: &gateSpan, upBelow: &upSpan)
            results.append(gateBelow + upBelow)
        }
        #expect(results.allSatisfy { $0.bits == results[0].bits })
        func silu(_ x: Double) -> Double { x / (1 + exp(-x)) }
        for index in 0..<count {
            let (d, g, u) = (Double(above[index]), Double(gate[index]), Double(up[index]))
            let slope = (silu(g + 1e-5) - silu(g - 1e-5)) / 2e-5
            #expect(abs(Double(results[0][index]) - d * u * slope) < 1e-5)
            #expect(abs(Double(results[0][count + index]) - d * silu(g)) < 1e-5)
        }
    }
}
