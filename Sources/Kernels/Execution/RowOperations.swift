import CKernels

/// Elementwise operations and reductions over rows. Outputs may be the same columns as an input.
extension ComputeContext {
    /// output = x / sqrt(mean(x²) + epsilon) · weight (RMSNorm, Zhang and Sennrich 2019); weight is row 0, shape [1, width].
    package func rmsNorm(_ x: Columns, rows: Int, weight: Columns, epsilon: Float, into output: Columns) {
        x.require(rows: rows, width: x.width, "input of rmsNorm")
        weight.require(rows: 1, width: x.width, "weight of rmsNorm")
        output.require(rows: rows, width: x.width, "output of rmsNorm")
        ck_rms_norm(
            handle, x.base, x.stride, weight.base, epsilon, output.base, output.stride, Int64(rows), Int64(x.width))
    }

    /// output = x + y.
    package func add(_ x: Columns, _ y: Columns, rows: Int, into output: Columns) {
        x.require(rows: rows, width: x.width, "left side of add")
        y.require(rows: rows, width: x.width, "right side of add")
        output.require(rows: rows, width: x.width, "output of add")
        ck_add(handle, x.base, x.stride, y.base, y.stride, output.base, output.stride, Int64(rows), Int64(x.width))
    }

    /// output = up · silu(gate), silu(g) = g / (1 + e^-g) (SwiGLU, Shazeer 2020).
    package func swiGLU(gate: Columns, up: Columns, rows: Int, into output: Columns) {
        gate.require(rows: rows, width: gate.width, "gate of swiGLU")
        up.require(rows: rows, width: gate.width, "up of swiGLU")
        output.require(rows: rows, width: gate.width, "output of swiGLU")
        ck_swiglu(
            handle, gate.base, gate.stride, up.base, up.stride, output.base, output.stride, Int64(rows),
            Int64(gate.width))
    }

    /// Rotary position embedding in Hugging Face's order, in place: in every head the pairs (i, i + h) turn by the angles of the
    /// row's position, h = cosines.width; the rest of the head, if any, stays.
    ///
    /// x: [positions.count, heads · headDim]; cosines, sines: [positions, h].
    package func rotateHalf(_ x: Columns, positions: [Int32], headDim: Int, cosines: RowBuffer, sines: RowBuffer) {
        x.require(rows: positions.count, width: x.width, "input of rotateHalf")
        precondition(
            x.width % headDim == 0 && 2 * cosines.width <= headDim, "heads of \(headDim) in rows of \(x.width)")
        precondition(
            cosines.width == sines.width && cosines.rowsMax == sines.rowsMax, "cosines and sines differ in shape")
        precondition(
            positions.allSatisfy { $0 >= 0 && $0 < cosines.rowsMax },
            "a position beyond the table of \(cosines.rowsMax)")
        ck_rotate_half(
            handle, x.base, x.stride, positions, cosines.base, sines.base, Int64(cosines.stride),
            Int64(positions.count),
            Int64(x.width / headDim), Int64(headDim), Int64(cosines.width))
    }

    /// output = e^x per element, at most about one unit in the last place from exact; 0 below ln 2^-126.
    package func exponential(_ x: Span<Float>) -> [Float] {
        [Float](unsafeUninitializedCapacity: x.count) { output, count in
            x.withUnsafeBufferPointer { x in
                if !x.isEmpty { ck_exp(handle, x.baseAddress, output.baseAddress, Int64(x.count)) }
            }
            count = x.count
        }
    }

    /// x = e^x per element, in place; as `exponential`.
    package func exponentiate(_ x: inout MutableSpan<Float>) {
        x.withUnsafeMutableBufferPointer { x in
            if !x.isEmpty { ck_exp(handle, x.baseAddress, x.baseAddress, Int64(x.count)) }
        }
    }

    /// The index of the largest element; the lowest on ties; NaN never wins. `x` is not empty.
    package func argmax(_ x: Span<Float>) -> Int {
        precondition(!x.isEmpty, "argmax of nothing")
        return x.withUnsafeBufferPointer { Int(ck_argmax(handle, $0.baseAddress, Int64($0.count))) }
    }

    /// log Σ e^x, summed in double in a fixed order. `x` is not empty.
    package func logSumExp(_ x: Span<Float>) -> Double {
        precondition(!x.isEmpty, "logSumExp of nothing")
        return x.withUnsafeBufferPointer { ck_log_sum_exp(handle, $0.baseAddress, Int64($0.count)) }
    }
}
