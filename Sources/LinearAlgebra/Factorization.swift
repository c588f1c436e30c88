/// Decompositions of single matrices. Computed in double, rounded at the end.
package enum Factorization {
    /// a = q r, k = min(m, n).
    package struct QR: Sendable, Equatable {
        /// [m, k], orthonormal columns.
        package let q: Matrix
        /// [k, n], upper triangular. The signs of its diagonal are LAPACK's.
        package let r: Matrix
    }

    /// a = u diag(values) vt, k = min(m, n).
    package struct SVD: Sendable, Equatable {
        /// [m, k], orthonormal columns.
        package let u: Matrix
        /// [k], descending, not negative.
        package let values: [Float]
        /// [k, n], orthonormal rows, each with its largest entry positive.
        package let vt: Matrix
    }

    /// a: [m, n].
    package static func thinQR(_ a: Matrix) throws(LinearAlgebraError) -> QR {
        try a.check("a")
        let (q, r) = try Lapack.qr(ColumnMajor(a))
        return QR(q: q.matrix, r: r.matrix)
    }

    /// a: [m, n], small: the work is min(m, n)² max(m, n).
    package static func thinSVD(_ a: Matrix) throws(LinearAlgebraError) -> SVD {
        try a.check("a")
        var (u, values, v) = try Lapack.svd(ColumnMajor(a))
        fixSigns(&u, &v)
        return SVD(u: u.matrix, values: values.map { Float($0) }, vt: v.transposedMatrix)
    }

    /// Turns each pair of columns so that the entry of largest magnitude in v's (the first of equal ones) is positive.
    static func fixSigns(_ u: inout ColumnMajor, _ v: inout ColumnMajor) {
        for column in 0..<v.columns where isTurned(v, column) {
            for row in 0..<v.rows { v.elements[row + column * v.rows].negate() }
            for row in 0..<u.rows { u.elements[row + column * u.rows].negate() }
        }
    }

    private static func isTurned(_ v: ColumnMajor, _ column: Int) -> Bool {
        var largest = 0.0
        for row in 0..<v.rows where abs(v[row, column]) > abs(largest) { largest = v[row, column] }
        return largest < 0
    }
}
