extension ElementType {
    /// Turns `count` stored elements into floats. The caller has checked both lengths; `count` is a multiple of
    /// `blockSize`.
    ///
    /// Each element is computed as ggml's reference does (ggml-quants.c, `dequantize_row_*`): the same operations in
    /// the same order, no fused multiply-add, so that the bits agree with every other reader of the format.
    func dequantise(_ source: UnsafeRawPointer, count: Int, into output: UnsafeMutablePointer<Float>) {
        switch self {
        case .float32: copyFloats(source, count, output)
        case .float16: widenHalves(source, count, output)
        case .bfloat16: widenBrainFloats(source, count, output)
        case .q80: eachBlock(source, count, output, dequantiseQ80)
        case .q40: eachBlock(source, count, output, dequantiseQ40)
        case .q41: eachBlock(source, count, output, dequantiseQ41)
        case .q50: eachBlock(source, count, output, dequantiseQ50)
        case .q51: eachBlock(source, count, output, dequantiseQ51)
        case .q4K: eachBlock(source, count, output, dequantiseQ4K)
        case .q5K: eachBlock(source, count, output, dequantiseQ5K)
        case .q6K: eachBlock(source, count, output, dequantiseQ6K)
        }
    }

    @inline(__always)
    private func eachBlock(
        _ source: UnsafeRawPointer, _ count: Int, _ output: UnsafeMutablePointer<Float>,
        _ block: (UnsafeRawPointer, UnsafeMutablePointer<Float>) -> Void
    ) {
        for index in 0..<count / blockSize {
            block(source + index &* bytesPerBlock, output + index &* blockSize)
        }
    }
}

private func copyFloats(_ source: UnsafeRawPointer, _ count: Int, _ output: UnsafeMutablePointer<Float>) {
    for index in 0..<count {
        output[index] = Float(
            bitPattern: UInt32(littleEndian: source.loadUnaligned(fromByteOffset: index &* 4, as: UInt32.self)))
    }
}

private func widenHalves(_ source: UnsafeRawPointer, _ count: Int, _ output: UnsafeMutablePointer<Float>) {
    for index in 0..<count { output[index] = source.half(at: index &* 2) }
}

private func widenBrainFloats(_ source: UnsafeRawPointer, _ count: Int, _ output: UnsafeMutablePointer<Float>) {
    for index in 0..<count {
        output[index] = float(
            brain: UInt16(littleEndian: source.loadUnaligned(fromByteOffset: index &* 2, as: UInt16.self)))
    }
}
