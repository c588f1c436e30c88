import LinearAlgebra
import Testing

@Suite("Products of low rank against numpy")
struct LowRankTests {
    /// |p · q| = 1: the same line.
    private func isSameLine(_ p: [Float], _ q: [Float]) -> Bool {
        abs(abs(zip(p, q).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }) - 1) < 1e-6
    }

    private func hasFixedSign(_ p: [Float]) -> Bool {
        p.reduce(0) { abs($1) > abs($0) ? $1 : $0 } > 0
    }

    @Test func topRightSingularVectors() throws {
        let golden = try Products.load()
        #expect(golden.top.count == 4 && golden.real.count == 2)
        for expected in golden.top {
            let (outputs, rank, inputs) = (expected.shape[0], expected.shape[1], expected.shape[2])
            let p = try LowRank.topRightSingularVector(
                b: noise(expected.seed, outputs, rank), a: noise(expected.seed + 100, rank, inputs))
            #expect(isSameLine(p, expected.vector) && hasFixedSign(p), "seed \(expected.seed)")
        }
        for expected in golden.real {
            let (outputs, rank, inputs) = (expected.shape[0], expected.shape[1], expected.shape[2])
            let b = Matrix(rows: outputs, columns: rank, elements: expected.b)
            let a = Matrix(rows: rank, columns: inputs, elements: expected.a)
            let p = try LowRank.topRightSingularVector(b: b, a: a)
            #expect(isSameLine(p, expected.vector) && hasFixedSign(p))
            let whole = try LowRank.truncatedMean(of: [LowRankProduct(b: b, a: a)], rank: 8)
            #expect(zip(whole.singularValues, expected.values).allSatisfy { abs($0 - $1) < 1e-5 * expected.values[0] })
        }
    }

    @Test func signsDoNotDependOnTheFactors() throws {
        let (b, a) = (noise(5, 12, 3), noise(6, 3, 10))
        let p = try LowRank.topRightSingularVector(b: b, a: a)
        let turned = try LowRank.topRightSingularVector(
            b: Matrix(rows: 12, columns: 3, elements: b.elements.map { -2 * $0 }), a: a)
        #expect(distance(p, turned) < 1e-6)
        #expect(try LowRank.topRightSingularVector(b: b, a: a) == p)
    }

    /// |B A p| is the largest of all unit vectors' images: compared with power iteration on the dense product.
    @Test func powerIterationFindsTheSame() throws {
        let (b, a) = (noise(7, 40, 6), noise(8, 6, 25))
        let square = product(product(b, a).transposed, product(b, a))
        var x = Matrix(rows: 25, columns: 1, elements: noise(9, 25, 1).elements)
        for _ in 0..<2000 {
            let y = product(square, x)
            let norm = y.elements.reduce(0) { $0 + $1 * $1 }.squareRoot()
            x = Matrix(rows: 25, columns: 1, elements: y.elements.map { $0 / norm })
        }
        #expect(isSameLine(try LowRank.topRightSingularVector(b: b, a: a), x.elements))
    }

    @Test func aZeroProductHasAZeroPrototype() throws {
        let zero = Matrix(rows: 4, columns: 2, elements: [Float](repeating: 0, count: 8))
        #expect(try LowRank.topRightSingularVector(b: zero, a: noise(1, 2, 5)) == [0, 0, 0, 0, 0])
    }

    @Test func truncatedMeans() throws {
        let cases = try Products.load().mean
        #expect(cases.count == 3)
        for golden in cases {
            let (outputs, rank, inputs) = (golden.shape[0], golden.shape[1], golden.shape[2])
            let products = (0..<golden.count).map { z in
                LowRankProduct(
                    b: noise(golden.seed * 10 + UInt64(z), outputs, rank),
                    a: noise(golden.seed * 10 + UInt64(z) + 1000, rank, inputs), scale: Float(1 + z) * 0.5)
            }
            let mean = try LowRank.truncatedMean(of: products, rank: golden.kept)
            #expect(mean.b.columns == golden.kept && mean.a.rows == golden.kept)
            #expect(distance(product(mean.b, mean.a).elements, golden.product) < 2e-6, "seed \(golden.seed)")
            #expect(zip(mean.singularValues, golden.values).allSatisfy { abs($0 - $1) < 1e-5 })
            #expect(defect(ofColumns: mean.a.transposed) < 1e-6)
            #expect((0..<golden.kept).allSatisfy { hasFixedSign((0..<inputs).map { [row = $0] in mean.a[row, $0] }) })
        }
    }

    @Test func fullRankLosesNothing() throws {
        let pair = LowRankProduct(b: noise(31, 10, 3), a: noise(32, 3, 14), scale: 2)
        let same = try LowRank.truncatedMean(of: [pair, pair], rank: 99)
        let expected = product(pair.b, pair.a).elements.map { 2 * $0 }
        #expect(distance(product(same.b, same.a).elements, expected) < 2e-6)
        #expect(same.energyKept > 0.999_999)
        let opposite = LowRankProduct(b: pair.b, a: pair.a, scale: -2)
        let nothing = try LowRank.truncatedMean(of: [pair, opposite], rank: 3)
        #expect(distance(product(nothing.b, nothing.a).elements, expected.map { _ in 0 }) < 1e-6)
    }

    @Test func badInputIsRefused() throws {
        let (b, a) = (noise(1, 4, 2), noise(2, 2, 5))
        var damaged = a.elements
        damaged[7] = .nan
        let bad = Matrix(rows: 2, columns: 5, elements: damaged)
        #expect(throws: LinearAlgebraError.notFinite(what: "A of the product", row: 1, column: 2)) {
            try LowRank.topRightSingularVector(b: b, a: bad)
        }
        #expect(throws: LinearAlgebraError.self) { try LowRank.topRightSingularVector(b: b, a: noise(1, 3, 5)) }
        #expect(throws: LinearAlgebraError.self) { try LowRank.truncatedMean(of: [], rank: 1) }
        #expect(throws: LinearAlgebraError.self) {
            try LowRank.truncatedMean(of: [LowRankProduct(b: b, a: a)], rank: 0)
        }
        #expect(throws: LinearAlgebraError.shape(what: "product 1", problem: "is 4 x 6, the first 4 x 5")) {
            try LowRank.truncatedMean(
                of: [LowRankProduct(b: b, a: a), LowRankProduct(b: b, a: noise(1, 2, 6))], rank: 1)
        }
        #expect(throws: LinearAlgebraError.self) {
            try Factorization.thinQR(Matrix(rows: 0, columns: 3, elements: []))
        }
    }
}
