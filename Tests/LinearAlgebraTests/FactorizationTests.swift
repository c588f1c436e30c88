import LinearAlgebra
import Testing

@Suite("QR and SVD: identities")
struct FactorizationTests {
    @Test(arguments: [(12, 5), (5, 12), (7, 7), (1, 4), (4, 1)])
    func qr(rows: Int, columns: Int) throws {
        let a = noise(21, rows, columns)
        let factors = try Factorization.thinQR(a)
        #expect(factors.q.columns == min(rows, columns) && factors.r.rows == min(rows, columns))
        #expect(distance(product(factors.q, factors.r).elements, a.elements) < 1e-6)
        #expect(defect(ofColumns: factors.q) < 1e-6)
        for row in 0..<factors.r.rows {
            for column in 0..<min(row, columns) { #expect(factors.r[row, column] == 0) }
        }
    }

    @Test(arguments: [(12, 5), (5, 12), (7, 7), (1, 4), (4, 1), (64, 64)])
    func svd(rows: Int, columns: Int) throws {
        let a = noise(22, rows, columns)
        let factors = try Factorization.thinSVD(a)
        let scaled = (0..<factors.vt.rows).flatMap { row in
            (0..<columns).map { factors.values[row] * factors.vt[row, $0] }
        }
        let back = product(factors.u, Matrix(rows: factors.vt.rows, columns: columns, elements: scaled))
        #expect(distance(back.elements, a.elements) < 2e-6)
        #expect(defect(ofColumns: factors.u) < 2e-6 && defect(ofColumns: factors.vt.transposed) < 2e-6)
        #expect(factors.values == factors.values.sorted(by: >) && factors.values.allSatisfy { $0 >= 0 })
    }
}
