import Kernels

/// SwiGLU (Shazeer 2020): f = silu(a) ⊙ b, silu(a) = a σ(a).
///
///     db = df ⊙ silu(a)        da = df ⊙ b ⊙ σ(a) (1 + a (1 - σ(a)))
enum FeedForwardPass {
    static func forward(_ a: FloatView, _ b: FloatView, into f: FloatView, _ context: ComputeContext) {
        var out = f.whole.mutableSpan
        context.swiGLU(gate: a.whole.span, up: b.whole.span, into: &out)
    }

    /// da and db are replaced; da may not be df.
    static func backward(
        _ df: FloatView, _ a: FloatView, _ b: FloatView, da: FloatView, db: FloatView, _ context: ComputeContext
    ) {
        var gateBelow = da.whole.mutableSpan
        var upBelow = db.whole.mutableSpan
        context.swiGLUBackward(
            above: df.whole.span, gate: a.whole.span, up: b.whole.span, gateBelow: &gateBelow, upBelow: &upBelow)
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
