import CKernels

/// A weight matrix [outputs, inputs], packed in panels of outputs for the kernels' SIMD lanes. Immutable.
///
/// f32: panels of 64 outputs, any number of inputs. Quantised: panels of 32 outputs in blocks of 32 inputs, 4-bit layouts at 4
/// bits, scales as in the file. The last panel is padded with zeros.
package final class PackedMatrix: @unchecked Sendable {
    package static let sideMax = 1 << 24

    package let outputs: Int
    package let inputs: Int
    /// nil: f32.
    package let layout: BlockLayout?
    /// Bytes in memory, padding included.
    package let bytes: Int
    /// Never changes after init; a stable address for the kernels.
    let packed: UnsafeMutablePointer<ck_matrix>
    private let data: UnsafeMutableRawPointer

    /// An f32 matrix; `fillRow(output, row)` writes row `output`, shape [inputs], for 0 ..< outputs in ascending order.
    package convenience init(
        outputs: Int, inputs: Int, fillRow: (Int, inout MutableSpan<Float>) -> Void
    ) throws(PackingError) {
        try self.init(outputs: outputs, inputs: inputs, layout: nil)
        let panel = Int(CK_F32_PANEL)
        withUnsafeTemporaryAllocation(of: Float.self, capacity: panel * inputs) { rows in
            rows.initialize(repeating: 0)
            for first in stride(from: 0, to: outputs, by: panel) {
                let count = min(panel, outputs - first)
                for row in 0..<count {
                    var span = UnsafeMutableBufferPointer(rebasing: rows[row * inputs..<(row + 1) * inputs]).mutableSpan
                    fillRow(first + row, &span)
                }
                ck_pack_f32_panel(packed, data, Int64(first / panel), rows.baseAddress, Int64(count))
            }
        }
    }

    /// A quantised matrix; `bytes` holds its rows one after the other in GGML's layout. Output o is the row `sourceRow(o)`.
    package convenience init(
        outputs: Int, inputs: Int, layout: BlockLayout, bytes: RawSpan, sourceRow: (Int) -> Int = { $0 }
    ) throws(PackingError) {
        let rowBytes = layout.rowBytes(inputs: inputs)
        try self.init(outputs: outputs, inputs: inputs, layout: layout)
        guard bytes.byteCount == rowBytes * outputs else {
            throw .wrongByteCount(expected: rowBytes * outputs, found: bytes.byteCount)
        }
        bytes.withUnsafeBytes { bytes in
            for output in 0..<outputs {
                let source = sourceRow(output)
                precondition(source >= 0 && source < outputs, "source row \(source) of \(outputs)")
                packRow(output, UnsafeRawBufferPointer(rebasing: bytes[source * rowBytes..<(source + 1) * rowBytes]))
            }
        }
    }

    /// A quantised matrix; `fillRow(output, bytes)` writes the GGML bytes of row `output`, for 0 ..< outputs in ascending order.
    package convenience init(
        outputs: Int, inputs: Int, layout: BlockLayout, fillRow: (Int, inout MutableRawSpan) -> Void
    ) throws(PackingError) {
        try self.init(outputs: outputs, inputs: inputs, layout: layout)
        let rowBytes = layout.rowBytes(inputs: inputs)
        withUnsafeTemporaryAllocation(byteCount: rowBytes, alignment: 16) { row in
            for output in 0..<outputs {
                var span = row.mutableBytes
                fillRow(output, &span)
                packRow(output, UnsafeRawBufferPointer(row))
            }
        }
    }

    /// A quantised matrix; `lendRow(output, take)` calls `take` with the GGML bytes of row `output`, for 0 ..< outputs in order.
    package convenience init(
        outputs: Int, inputs: Int, layout: BlockLayout, lendRow: (Int, (RawSpan) -> Void) -> Void
    ) throws(PackingError) {
        try self.init(outputs: outputs, inputs: inputs, layout: layout)
        let rowBytes = layout.rowBytes(inputs: inputs)
        for output in 0..<outputs {
            lendRow(output) { row in
                precondition(row.byteCount == rowBytes, "a row of \(row.byteCount) bytes, expected \(rowBytes)")
                row.withUnsafeBytes { packRow(output, $0) }
            }
        }
    }

    private init(outputs: Int, inputs: Int, layout: BlockLayout?) throws(PackingError) {
        guard (1...Self.sideMax).contains(outputs), (1...Self.sideMax).contains(inputs) else {
            throw .shape(outputs: outputs, inputs: inputs)
        }
        if let layout, inputs % layout.blockWeights != 0 {
            throw .inputsNotWholeBlocks(inputs: inputs, layout: layout)
        }
        var matrix =
            layout.map { ck_matrix_blocks($0.code, Int64(outputs), Int64(inputs)) }
            ?? ck_matrix_f32(Int64(outputs), Int64(inputs))
        let bytes = Int(matrix.panels * matrix.panel_bytes)
        guard let data = ck_allocate_weights(bytes) else { throw .outOfMemory(bytes: bytes) }
        matrix.data = UnsafePointer(data.assumingMemoryBound(to: UInt8.self))
        packed = .allocate(capacity: 1)
        packed.initialize(to: matrix)
        self.outputs = outputs
        self.inputs = inputs
        self.layout = layout
        self.bytes = bytes
        self.data = data
    }

    deinit {
        ck_free_weights(data, bytes)
        packed.deallocate()
    }

    private func packRow(_ output: Int, _ row: UnsafeRawBufferPointer) {
        guard let layout, let start = row.bindMemory(to: UInt8.self).baseAddress else { return }
        ck_pack_block_row(packed, data, layout.code, Int64(output), start)
    }
}
