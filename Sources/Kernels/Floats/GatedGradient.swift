import CKernels

/// SwiGLU over plain floats, forwards and backwards, on the caller's thread.
extension ComputeContext {
    /// output = up · silu(gate); all of one length.
    package func swiGLU(gate: Span<Float>, up: Span<Float>, into output: inout MutableSpan<Float>) {
        let count = gate.count
        precondition(up.count == count && output.count == count, "\(count), \(up.count) and \(output.count) floats")
        gate.withUnsafeBufferPointer { gate in
            up.withUnsafeBufferPointer { up in
                output.withUnsafeMutableBufferPointer { output in
                    ck_swiglu(
                        handle, gate.baseAddress, Int64(count), up.baseAddress, Int64(count), output.baseAddress,
                        Int64(count), 1, Int64(count))
                }
            }
        }
    }

    /// The gradients of gate and up from that of the output, `above`:
    ///
    ///     d up = above · silu(gate)        d gate = above · up · σ(gate) (1 + gate (1 - σ(gate)))
    package func swiGLUBackward(
        above: Span<Float>, gate: Span<Float>, up: Span<Float>, gateBelow: inout MutableSpan<Float>,
        upBelow: inout MutableSpan<Float>
    ) {
        let count = above.count
        precondition(
            gate.count == count && up.count == count && gateBelow.count == count && upBelow.count == count,
            "five of \(count) floats")
        above.withUnsafeBufferPointer { above in
            gate.withUnsafeBufferPointer { gate in
                up.withUnsafeBufferPointer { up in
                    gateBelow.withUnsafeMutableBufferPointer { gateBelow in
                        upBelow.withUnsafeMutableBufferPointer { upBelow in
                            ck_swiglu_back(
                                handle, above.baseAddress, gate.baseAddress, up.baseAddress, gateBelow.baseAddress,
                                upBelow.baseAddress, Int64(count))
                        }
                    }
                }
            }
        }
    }
}
