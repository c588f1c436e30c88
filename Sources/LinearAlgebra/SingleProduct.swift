import COpenBLAS

/// Products of f32 matrices by OpenBLAS, one thread inside: who wants more runs several side by side.
///
/// The accumulation order is OpenBLAS's own: it depends on the shape and the processor, so learning may use it and inference may not.
package struct SingleProduct: Sendable {
    /// c: [rows, columns]; `inner` is what is summed over.
    package var rows: Int
    package var columns: Int
    package var inner: Int
    package var alpha: Float
    package var beta: Float
    /// a is stored as [inner, rows], b as [columns, inner].
    package var turnsA: Bool
    package var turnsB: Bool

    package init(
        rows: Int, columns: Int, inner: Int, alpha: Float, beta: Float, turnsA: Bool = false, turnsB: Bool = false
    ) {
        self.rows = rows
        self.columns = columns
        self.inner = inner
        self.alpha = alpha
        self.beta = beta
        self.turnsA = turnsA
        self.turnsB = turnsB
    }

    /// c = alpha op(a) op(b) + beta c, row-major, rows at every `stride…` floats.
    package func callAsFunction(
        _ a: Span<Float>, strideA: Int, _ b: Span<Float>, strideB: Int, into c: inout MutableSpan<Float>, strideC: Int
    ) {
        func require(_ count: Int, _ lines: Int, _ width: Int, _ stride: Int, _ name: StaticString) {
            precondition(
                lines > 0 && width > 0 && stride >= width && count >= (lines - 1) * stride + width,
                "\(name): \(count) floats for [\(lines), \(width)] at every \(stride)")
        }
        require(a.count, turnsA ? inner : rows, turnsA ? rows : inner, strideA, "a")
        require(b.count, turnsB ? columns : inner, turnsB ? inner : columns, strideB, "b")
        require(c.count, rows, columns, strideC, "c")
        Lapack.multiply(self, a, strideA, b, strideB, &c, strideC)
    }
}

extension Lapack {
    /// BLAS is column-major, where a row-major matrix is its own transpose: cᵀ = op(b)ᵀ op(a)ᵀ.
    static func multiply(
        _ product: SingleProduct, _ a: Span<Float>, _ strideA: Int, _ b: Span<Float>, _ strideB: Int,
        _ c: inout MutableSpan<Float>, _ strideC: Int
    ) {
        _ = singleThreaded
        var (m, n, k) = (Int32(product.columns), Int32(product.rows), Int32(product.inner))
        var (strideA, strideB, strideC) = (Int32(strideA), Int32(strideB), Int32(strideC))
        var (alpha, beta) = (product.alpha, product.beta)
        var first = CChar(UInt8(ascii: product.turnsB ? "T" : "N"))
        var second = CChar(UInt8(ascii: product.turnsA ? "T" : "N"))
        a.withUnsafeBufferPointer { a in
            b.withUnsafeBufferPointer { b in
                c.withUnsafeMutableBufferPointer { c in
                    sgemm_(
                        &first, &second, &m, &n, &k, &alpha, b.baseAddress, &strideB, a.baseAddress, &strideA, &beta,
                        c.baseAddress, &strideC, 1, 1)
                }
            }
        }
    }
}
