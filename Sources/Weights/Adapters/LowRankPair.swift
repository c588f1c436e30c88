/// One LoRA pair: at its site the trunk's y = W u gains s · B (A u) (Hu et al., arXiv 2106.09685).
package struct LowRankPair: Sendable {
    /// The Hugging Face module name, such as `model.layers.3.self_attn.q_proj`.
    package let site: String
    /// s, the factor beside B A.
    package let scale: Float
    /// A, [rank, inputs], memory-mapped.
    package let down: TensorView
    /// B, [outputs, rank], memory-mapped; rows in Hugging Face order (see `TensorView.rowOrder`).
    package let up: TensorView

    package var rank: Int { down.rows }
    package var inputs: Int { down.columns }
    package var outputs: Int { up.rows }
    package var byteCount: Int { down.byteCount + up.byteCount }

    /// - Parameter file: what errors call the file that both tensors come from.
    init(site: String, scale: Float, down: TensorView, up: TensorView, rank: Int, file: String) throws(WeightsError) {
        guard down.shape.count == 2, down.rows == rank else {
            throw WeightsError(
                .inconsistent, file: file, field: "\(down.name).shape",
                "is \(down.shape); the configuration's rank makes it [\(rank), inputs]")
        }
        guard up.shape.count == 2, up.columns == rank else {
            throw WeightsError(
                .inconsistent, file: file, field: "\(up.name).shape",
                "is \(up.shape); the configuration's rank makes it [outputs, \(rank)]")
        }
        self.site = site
        self.scale = scale
        self.down = down
        self.up = up
    }

    /// Refuses NaN and infinity in either matrix; reads all of both.
    package func checkFinite(file: String) throws(WeightsError) {
        try down.checkFinite(file: file)
        try up.checkFinite(file: file)
    }
}

extension TensorView {
    /// Refuses NaN and infinity; reads every element.
    package func checkFinite(file: String) throws(WeightsError) {
        for row in 0..<rows where !withRow(row, { isFinite($0) }) {
            throw WeightsError(.malformed, file: file, field: name, "row \(row) holds a NaN or an infinity")
        }
    }

    /// An element is not finite where all bits of its exponent are set.
    private func isFinite(_ row: RawSpan) -> Bool {
        switch type {
        case .float16: Self.allFinite(row, exponent: 0x7C00 as UInt16)
        case .bfloat16: Self.allFinite(row, exponent: 0x7F80 as UInt16)
        case .float32: Self.allFinite(row, exponent: 0x7F80_0000 as UInt32)
        default: isFiniteAsFloats(row)
        }
    }

    /// Without an early exit, so that the loop vectorises.
    private static func allFinite<Word: FixedWidthInteger & BitwiseCopyable>(_ row: RawSpan, exponent: Word) -> Bool {
        row.withUnsafeBytes { bytes in
            var found = false
            for index in 0..<bytes.count / MemoryLayout<Word>.size {
                let word = Word(
                    littleEndian: bytes.loadUnaligned(fromByteOffset: index &* MemoryLayout<Word>.size, as: Word.self))
                found = found || word & exponent == exponent
            }
            return !found
        }
    }

    private func isFiniteAsFloats(_ row: RawSpan) -> Bool {
        var floats = [Float](repeating: 0, count: columns)
        row.withUnsafeBytes { bytes in
            floats.withUnsafeMutableBufferPointer { target in
                guard let from = bytes.baseAddress, let to = target.baseAddress else { return }
                type.dequantise(from, count: columns, into: to)
            }
        }
        return floats.allSatisfy(\.isFinite)
    }
}
