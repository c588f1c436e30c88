import Foundation
import Kernels
import Testing

@Suite struct RowOperationTests {
    static let widths = [1, 15, 64, 83, 576]

    /// Runs an operation in every context and on every row count, compares bits with each row alone on the portable kernels, and
    /// returns those rows.
    private func rowsAlone(
        width: Int, inputs: [RowBuffer], _ operation: (ComputeContext, [RowBuffer], Int, RowBuffer) -> Void
    ) -> [[Float]] {
        let portable = portableContext()
        let alone = (0..<516).map { row in
            let output = RowBuffer(rowsMax: 1, width: width)
            operation(portable, inputs.map { RowBuffer([$0.array(row: row)]) }, 1, output)
            return output.array(row: 0)
        }
        forEveryContext { context, name in
            for rows in rowCounts {
                let output = RowBuffer(rowsMax: rows, width: width)
                operation(context, inputs, rows, output)
                for row in 0..<rows where output.array(row: row).bits != alone[row].bits {
                    Issue.record("row \(row) of \(rows), width \(width), \(name)")
                }
            }
        }
        return alone
    }

    @Test(arguments: widths)
    func rmsNorm(width: Int) {
        let x = RowBuffer.random(rows: 516, width: width, seed: 71)
        let weight = RowBuffer.random(rows: 1, width: width, seed: 72)
        let results = rowsAlone(width: width, inputs: [x]) { context, inputs, rows, output in
            context.rmsNorm(
                inputs[0].columns, rows: rows, weight: weight.columns, epsilon: 1e-5, into: output.columns)
        }
        for row in [0, 9, 515] {
            let values = x.array(row: row).map(Double.init)
            let inverse = 1 / (values.reduce(0) { $0 + $1 * $1 } / Double(width) + 1e-5).squareRoot()
            for k in 0..<width {
                let exact = values[k] * inverse * Double(weight.array(row: 0)[k])
                #expect(abs(Double(results[row][k]) - exact) <= abs(exact) * 1e-6)
            }
        }
    }

    @Test(arguments: widths)
    func addAndSwiGLU(width: Int) {
        let gate = RowBuffer.random(rows: 516, width: width, seed: 73)
        let up = RowBuffer.random(rows: 516, width: width, seed: 74)
        for row in 0..<516 { gate.withMutableRow(row) { span in for k in 0..<width { span[k] *= Float(row % 100) } } }
        let sums = rowsAlone(width: width, inputs: [gate, up]) { context, inputs, rows, output in
            context.add(inputs[0].columns, inputs[1].columns, rows: rows, into: output.columns)
        }
        let gated = rowsAlone(width: width, inputs: [gate, up]) { context, inputs, rows, output in
            context.swiGLU(gate: inputs[0].columns, up: inputs[1].columns, rows: rows, into: output.columns)
        }
        for row in 0..<516 {
            for (k, (g, u)) in zip(gate.array(row: row), up.array(row: row)).enumerated() {
                #expect(sums[row][k] == g + u)
                let exact = Double(u) * Double(g) / (1 + exp(-Double(g)))
                #expect(abs(Double(gated[row][k]) - exact) <= abs(exact) * 5e-7 + 1e-36)
            }
        }
    }

    /// Hugging Face's formula, q cos + rotate_half(q) sin, in double; a head that is turned in part keeps its tail.
    @Test(arguments: [(headDim: 64, half: 32), (headDim: 24, half: 7)])
    func rotateHalf(_ shape: (headDim: Int, half: Int)) {
        let (dim, half) = (shape.headDim, shape.half)
        let angles = (0..<50).map { p in (0..<half).map { Float(p) * pow(10_000, -Float($0) / Float(half)) } }
        let cosines = RowBuffer(angles.map { $0.map { cos($0) } })
        let sines = RowBuffer(angles.map { $0.map { sin($0) } })
        let x = RowBuffer.random(rows: 516, width: 3 * dim, seed: 75)
        let expected = (0..<516).map { row in
            let (values, p) = (x.array(row: row), row * 7 % 50)
            return (0..<3 * dim).map { index -> Double in
                let (head, i) = (index / dim * dim, index % dim)
                if i >= 2 * half { return Double(values[index]) }
                let (c, s) = (Double(cosines.array(row: p)[i % half]), Double(sines.array(row: p)[i % half]))
                let other = Double(i < half ? -values[head + i + half] : values[head + i - half])
                return Double(values[index]) * c + other * s
            }
        }
        var bits: [[UInt32]]?
        forEveryContext { context, name in
            for rows in rowCounts {
                let turned = RowBuffer(x.rows(rows))
                context.rotateHalf(
                    turned.columns, positions: (0..<rows).map { Int32($0 * 7 % 50) }, headDim: dim, cosines: cosines,
                    sines: sines)
                let results = turned.rows(rows)
                if rows == 516, bits == nil { bits = results.map(\.bits) }
                let worst =
                    zip(results, expected).map { zip($0, $1).map { abs(Double($0) - $1) }.max() ?? 0 }.max() ?? 1
                #expect(worst < 2e-7, "\(name)")
                if let bits { #expect(results.map(\.bits) == Array(bits.prefix(rows)), "\(rows) rows, \(name)") }
            }
        }
    }

    @Test func exponentialIsWithinTwoUnitsInTheLastPlace() {
        let inputs = stride(from: Float(-87.3), through: 88.7, by: 0.0007).map { $0 } + [-87.33654, 88.72283, 0, -0.0]
        var bits: [UInt32]?
        forEveryContext { context, name in
            let results = context.exponential(inputs.span)
            let worst = zip(inputs, results).map { x, y in abs(Double(y) - exp(Double(x))) / Double(y.ulp) }.max() ?? 9
            #expect(worst <= 2, "\(name)")
            #expect(bits == nil || bits == results.bits, "\(name)")
            bits = results.bits
            let special: [Float] = [-.infinity, -1e30, -87.34, 88.73, 1e30, .infinity, 0, .nan]
            let limits = context.exponential(special.span)
            #expect(limits.dropLast() == [0, 0, 0, .infinity, .infinity, .infinity, 1], "\(name)")
            #expect(limits[7].isNaN, "\(name)")
        }
    }

    @Test(arguments: [1, 16, 17, 1000, 49_152])
    func argmaxAndLogSumExp(count: Int) {
        var random = SplitMix64(76)
        var x = random.floats(count, in: -20...20)
        let exact = log(x.reduce(0) { $0 + exp(Double($1)) })
        var bits: UInt64?
        forEveryContext { context, name in
            let sum = context.logSumExp(x.span)
            #expect(abs(sum - exact) < 1e-6, "\(name)")
            #expect(bits == nil || bits == sum.bitPattern, "\(name)")
            bits = sum.bitPattern
            #expect(context.argmax(x.span) == x.indices.max { (x[$0], -$0) < (x[$1], -$1) }, "\(name)")
        }
        for tie in [count - 1, count / 2, count / 3] { x[tie] = 21 }
        x[0] = .nan
        forEveryContext { context, name in
            #expect(context.argmax(x.span) == (count == 1 ? 0 : count == 16 ? 5 : count / 3), "\(name)")
        }
    }
}
