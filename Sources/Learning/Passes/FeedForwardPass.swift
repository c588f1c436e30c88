import Kernels

/// SwiGLU (Shazeer 2020): f = silu(a) ⊙ b, silu(a) = a σ(a).
///
///     db = df ⊙ silu(a)        da = df ⊙ b ⊙ σ(a) (1 + a (1 - σ(a)))
enum FeedForwardPass {
    static func forward(_ a: FloatView, _ b: FloatView, into f: FloatView, _ context: ComputeContext) {
        for row in 0..<a.rows {
            let (gate, up, out) = (a.row(row), b.row(row), f.row(row))
            sigmoid(gate, into: out, count: a.columns, context)
            for index in 0..<a.columns { out[index] *= gate[index] * up[index] }
        }
    }

    /// da and db are replaced; da may not be df.
    static func backward(
        _ df: FloatView, _ a: FloatView, _ b: FloatView, da: FloatView, db: FloatView, _ context: ComputeContext
    ) {
        for row in 0..<a.rows {
            let (above, gate, up) = (df.row(row), a.row(row), b.row(row))
            let (gateBelow, upBelow) = (da.row(row), db.row(row))
            sigmoid(gate, into: gateBelow, count: a.columns, context)
            for index in 0..<a.columns {
                let sigma = gateBelow[index]
                upBelow[index] = above[index] * gate[index] * sigma
                gateBelow[index] = above[index] * up[index] * sigma * (1 + gate[index] * (1 - sigma))
            }
        }
    }

    /// y = 1 / (1 + e^-x)
    static func sigmoid(
        _ x: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>, count: Int, _ context: ComputeContext
    ) {
        // e^88 is the last that f32 holds.
        for index in 0..<count { y[index] = min(-x[index], 88) }
        var span = UnsafeMutableBufferPointer(start: y, count: count).mutableSpan
        context.exponentiate(&span)
        for index in 0..<count { y[index] = 1 / (1 + y[index]) }
    }
}
