import CKernels

extension PackedMatrix {
    /// A quantised matrix; `bytes` holds its rows one after the other in GGML's layout. Output o is the row `sourceRow(o)`.
    package convenience init(
        outputs: Int, inputs: Int, layout: BlockLayout, bytes: RawSpan, sourceRow: (Int) -> Int = { $0 }
    ) throws(PackingError) {
        let rowBytes = layout.rowBytes(inputs: inputs)
        try self.init(outputs: outputs, inputs: inputs, format: .blocks(layout))
        guard bytes.byteCount == rowBytes * outputs else {
            throw .wrongByteCount(expected: rowBytes * outputs, found: bytes.byteCount)
        }
        bytes.withUnsafeBytes { bytes in
            for output in 0..<outputs {
                let source = sourceRow(output)
                precondition(source >= 0 && source < outputs, "source row \(source) of \(outputs)")
                packRow(
                    output, layout, UnsafeRawBufferPointer(rebasing: bytes[source * rowBytes..<(source + 1) * rowBytes])
                )
            }
        }
    }

    /// A quantised matrix; `fillRow(output, bytes)` writes the GGML bytes of row `output`, for 0 ..< outputs in ascending order.
    package convenience init(
        outputs: Int, inputs: Int, layout: BlockLayout, fillRow: (Int, inout MutableRawSpan) -> Void
    ) throws(PackingError) {
        try self.init(outputs: outputs, inputs: inputs, format: .blocks(layout))
        let rowBytes = layout.rowBytes(inputs: inputs)
        withUnsafeTemporaryAllocation(byteCount: rowBytes, alignment: 16) { row in
            for output in 0..<outputs {
                var span = row.mutableBytes
                fillRow(output, &span)
                packRow(output, layout, UnsafeRawBufferPointer(row))
            }
        }
    }

    /// A quantised matrix; `lendRow(output, take)` calls `take` with the GGML bytes of row `output`, for 0 ..< outputs in order.
    package convenience init(
        outputs: Int, inputs: Int, layout: BlockLayout, lendRow: (Int, (RawSpan) -> Void) -> Void
    ) throws(PackingError) {
        try self.init(outputs: outputs, inputs: inputs, format: .blocks(layout))
        let rowBytes = layout.rowBytes(inputs: inputs)
        for output in 0..<outputs {
            lendRow(output) { row in
                precondition(row.byteCount == rowBytes, "a row of \(row.byteCount) bytes, expected \(rowBytes)")
                row.withUnsafeBytes { packRow(output, layout, $0) }
            }
        }
    }

    private func packRow(_ output: Int, _ layout: BlockLayout, _ row: UnsafeRawBufferPointer) {
        guard let start = row.bindMemory(to: UInt8.self).baseAddress else { return }
        ck_pack_block_row(packed, data, layout.code, Int64(output), start)
    }
}
