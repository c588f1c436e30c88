import LinearAlgebra

/// Products by OpenBLAS, one thread each: a pass runs several shards side by side instead.
enum Products {
    /// c = alpha a bᵀ + beta c; a: [m, k], b: [n, k], c: [m, n]. A linear layer's y = W u for rows u.
    static func timesTransposed(_ a: FloatView, _ b: FloatView, into c: FloatView, alpha: Float = 1, beta: Float = 0) {
        precondition(a.columns == b.columns && c.rows == a.rows && c.columns == b.rows, "shapes of a bᵀ")
        multiply(a, false, b, true, into: c, inner: a.columns, alpha, beta)
    }

    /// c = alpha a b + beta c; a: [m, k], b: [k, n], c: [m, n]. What a linear layer hands back: du = dy W.
    static func times(_ a: FloatView, _ b: FloatView, into c: FloatView, alpha: Float = 1, beta: Float = 0) {
        precondition(a.columns == b.rows && c.rows == a.rows && c.columns == b.columns, "shapes of a b")
        multiply(a, false, b, false, into: c, inner: a.columns, alpha, beta)
    }

    /// c = alpha aᵀ b + beta c; a: [k, m], b: [k, n], c: [m, n]. A weight's gradient: dW = dyᵀ u.
    static func transposedTimes(_ a: FloatView, _ b: FloatView, into c: FloatView, alpha: Float = 1, beta: Float = 0) {
        precondition(a.rows == b.rows && c.rows == a.columns && c.columns == b.columns, "shapes of aᵀ b")
        multiply(a, true, b, false, into: c, inner: a.rows, alpha, beta)
    }

    private static func multiply(
        _ a: FloatView, _ turnsA: Bool, _ b: FloatView, _ turnsB: Bool, into c: FloatView, inner: Int, _ alpha: Float,
        _ beta: Float
    ) {
        var target = UnsafeMutableBufferPointer(start: c.base, count: c.extent).mutableSpan
        SingleProduct(
            rows: c.rows, columns: c.columns, inner: inner, alpha: alpha, beta: beta, turnsA: turnsA, turnsB: turnsB)(
                UnsafeBufferPointer(start: a.base, count: a.extent).span, strideA: a.stride,
                UnsafeBufferPointer(start: b.base, count: b.extent).span, strideB: b.stride, into: &target,
                strideC: c.stride)
    }
}
