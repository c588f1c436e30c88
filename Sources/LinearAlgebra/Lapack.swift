import COpenBLAS

/// The calls. One thread inside: results do not depend on how many cores there are.
///
/// OpenBLAS chooses its kernels by processor, so the last bits may differ between machines. Hence what is computed here is stored
/// once, with its hash, and never recomputed per machine.
enum Lapack {
    static let singleThreaded: Void = openblas_set_num_threads(1)

    /// left · rightᵀ; left: [m, k], right: [n, k].
    static func product(_ left: ColumnMajor, transposed right: ColumnMajor) -> ColumnMajor {
        _ = singleThreaded
        precondition(left.columns == right.columns, "\(left.columns) and \(right.columns) columns")
        var (m, n, k) = (Int32(left.rows), Int32(right.rows), Int32(left.columns))
        var (one, zero) = (1.0, 0.0)
        var result = ColumnMajor(
            rows: left.rows, columns: right.rows, elements: [Double](repeating: 0, count: left.rows * right.rows))
        var (plain, turned) = (CChar(UInt8(ascii: "N")), CChar(UInt8(ascii: "T")))
        var (leftStride, rightStride, stride) = (m, n, m)
        dgemm_(
            &plain, &turned, &m, &n, &k, &one, left.elements, &leftStride, right.elements, &rightStride, &zero,
            &result.elements, &stride, 1, 1)
        return result
    }

    /// a = q r with k = min(m, n); q: [m, k] orthonormal columns, r: [k, n] upper triangular.
    static func qr(_ a: ColumnMajor) throws(LinearAlgebraError) -> (q: ColumnMajor, r: ColumnMajor) {
        _ = singleThreaded
        var (m, n, k) = (Int32(a.rows), Int32(a.columns), Int32(min(a.rows, a.columns)))
        var stride = m
        var info: Int32 = 0
        var reflected = a
        var tau = [Double](repeating: 0, count: Int(k))
        var work = [Double](repeating: 0, count: 64 * max(a.columns, 1))
        var workCount = Int32(work.count)
        dgeqrf_(&m, &n, &reflected.elements, &stride, &tau, &work, &workCount, &info)
        guard info == 0 else { throw .failed(routine: "dgeqrf", info: Int(info)) }
        let r = upperTriangle(reflected, rows: Int(k))
        var q = reflected.columns(first: Int(k))
        dorgqr_(&m, &k, &k, &q.elements, &stride, tau, &work, &workCount, &info)
        guard info == 0 else { throw .failed(routine: "dorgqr", info: Int(info)) }
        return (q, r)
    }

    private static func upperTriangle(_ a: ColumnMajor, rows: Int) -> ColumnMajor {
        var r = ColumnMajor(
            rows: rows, columns: a.columns, elements: [Double](repeating: 0, count: rows * a.columns))
        for column in 0..<a.columns {
            for row in 0...min(column, rows - 1) { r.elements[row + column * rows] = a[row, column] }
        }
        return r
    }

    /// a = u diag(values) vᵀ with k = min(m, n) values, descending; u: [m, k], v: [n, k].
    static func svd(
        _ a: ColumnMajor
    ) throws(LinearAlgebraError) -> (u: ColumnMajor, values: [Double], v: ColumnMajor) {
        _ = singleThreaded
        let count = min(a.rows, a.columns)
        var (m, n, k) = (Int32(a.rows), Int32(a.columns), Int32(count))
        var (stride, uStride, info) = (m, m, Int32(0))
        var overwritten = a.elements
        var values = [Double](repeating: 0, count: count)
        var u = [Double](repeating: 0, count: a.rows * count)
        var vt = [Double](repeating: 0, count: count * a.columns)
        var indices = [Int32](repeating: 0, count: 8 * count)
        var economy = CChar(UInt8(ascii: "S"))
        // Room by the routine's own formula for 'S', 4 k² + 7 k + max(m, n), with blocks to spare.
        var work = [Double](repeating: 0, count: 4 * count * count + 64 * (a.rows + a.columns) + 8 * count)
        var workCount = Int32(work.count)
        dgesdd_(
            &economy, &m, &n, &overwritten, &stride, &values, &u, &uStride, &vt, &k, &work, &workCount, &indices,
            &info, 1)
        guard info == 0 else { throw .failed(routine: "dgesdd", info: Int(info)) }
        return (
            ColumnMajor(rows: a.rows, columns: count, elements: u), values,
            ColumnMajor(rows: count, columns: a.columns, elements: vt).transposed
        )
    }
}
