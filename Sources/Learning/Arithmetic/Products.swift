import Kernels

/// Products of matrices on one thread: a pass runs several shards side by side instead.
struct Products {
    let context: ComputeContext

    /// c = scale a bᵀ, added to c where it `accumulates`; a: [m, k], b: [n, k], c: [m, n]. A linear layer's y = W u for rows u.
    func timesTransposed(
        _ a: FloatView, _ b: FloatView, into c: FloatView, scale: Float = 1, accumulates: Bool = false,
        triangle: FloatProduct.Triangle = .none
    ) {
        precondition(a.columns == b.columns && c.rows == a.rows && c.columns == b.rows, "shapes of a bᵀ")
        multiply(
            a, b, into: c,
            FloatProduct(
                rows: c.rows, columns: c.columns, depth: a.columns, scale: scale, turnsW: true,
                accumulates: accumulates, triangle: triangle))
    }

    /// c = scale a b, or added; a: [m, k], b: [k, n], c: [m, n]. What a linear layer hands back: du = dy W.
    func times(
        _ a: FloatView, _ b: FloatView, into c: FloatView, scale: Float = 1, accumulates: Bool = false,
        triangle: FloatProduct.Triangle = .none
    ) {
        precondition(a.columns == b.rows && c.rows == a.rows && c.columns == b.columns, "shapes of a b")
        multiply(
            a, b, into: c,
            FloatProduct(
                rows: c.rows, columns: c.columns, depth: a.columns, scale: scale, accumulates: accumulates,
                triangle: triangle))
    }

    /// c = scale aᵀ b, or added; a: [k, m], b: [k, n], c: [m, n]. A weight's gradient: dW = dyᵀ u. `a` is the smaller side: it is turned.
    func transposedTimes(
        _ a: FloatView, _ b: FloatView, into c: FloatView, scale: Float = 1, accumulates: Bool = false,
        triangle: FloatProduct.Triangle = .none
    ) {
        precondition(a.rows == b.rows && c.rows == a.columns && c.columns == b.columns, "shapes of aᵀ b")
        multiply(
            a, b, into: c,
            FloatProduct(
                rows: c.rows, columns: c.columns, depth: a.rows, scale: scale, turnsX: true,
                accumulates: accumulates, triangle: triangle))
    }

    /// c = u Wᵀ for a frozen W; u: [m, columns], c: [m, rows].
    func timesTransposed(_ u: FloatView, _ frozen: FrozenMatrix, into c: FloatView) {
        precondition(u.columns == frozen.columns && c.rows == u.rows && c.columns == frozen.rows, "shapes of u Wᵀ")
        multiply(
            u, frozen.stored, into: c,
            FloatProduct(rows: c.rows, columns: c.columns, depth: u.columns, turnsW: true, wInPanels: true))
    }

    /// c = dy W for a frozen W, or added; dy: [m, rows], c: [m, columns].
    func times(_ dy: FloatView, _ frozen: FrozenMatrix, into c: FloatView, accumulates: Bool = false) {
        precondition(dy.columns == frozen.rows && c.rows == dy.rows && c.columns == frozen.columns, "shapes of dy W")
        multiply(
            dy, frozen.stored, into: c,
            FloatProduct(
                rows: c.rows, columns: c.columns, depth: dy.columns, accumulates: accumulates, wInPanels: true))
    }

    private func multiply(_ a: FloatView, _ b: FloatView, into c: FloatView, _ product: FloatProduct) {
        var target = UnsafeMutableBufferPointer(start: c.base, count: c.extent).mutableSpan
        context.multiply(
            product, UnsafeBufferPointer(start: a.base, count: a.extent).span, strideX: a.stride,
            UnsafeBufferPointer(start: b.base, count: b.extent).span, strideW: b.stride, into: &target,
            strideOut: c.stride)
    }
}

extension ComputeContext {
    func maximum(_ x: UnsafePointer<Float>, count: Int) -> Float {
        x[argmax(UnsafeBufferPointer(start: x, count: count).span)]
    }
}
