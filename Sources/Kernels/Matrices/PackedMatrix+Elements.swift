import CKernels

extension PackedMatrix {
    /// An f32 matrix; `fillRow(output, row)` writes row `output`, shape [inputs], for 0 ..< outputs in ascending order.
    package convenience init(
        outputs: Int, inputs: Int, fillRow: (Int, inout MutableSpan<Float>) -> Void
    ) throws(PackingError) {
        try self.init(outputs: outputs, inputs: inputs, format: .elements(.float32))
        packPanels(of: Float.self) { output, row in
            var span = row.mutableSpan
            fillRow(output, &span)
        }
    }

    /// A matrix of elements as they are stored, little-endian; `lendRow(output, take)` calls `take` with the bytes of row `output`, for
    /// 0 ..< outputs in order.
    package convenience init(
        outputs: Int, inputs: Int, elements: ElementFormat, lendRow: (Int, (RawSpan) -> Void) -> Void
    ) throws(PackingError) {
        try self.init(outputs: outputs, inputs: inputs, format: .elements(elements))
        switch elements {
        case .float32: packPanels(of: UInt32.self) { Self.copy($0, lendRow, to: $1) }
        case .float16, .bfloat16: packPanels(of: UInt16.self) { Self.copy($0, lendRow, to: $1) }
        }
    }

    private static func copy<Element>(
        _ output: Int, _ lendRow: (Int, (RawSpan) -> Void) -> Void, to row: UnsafeMutableBufferPointer<Element>
    ) {
        lendRow(output) { bytes in
            let target = UnsafeMutableRawBufferPointer(row)
            precondition(bytes.byteCount == target.count, "a row of \(bytes.byteCount) bytes, expected \(target.count)")
            bytes.withUnsafeBytes { target.copyMemory(from: $0) }
        }
    }

    /// `fillRow` writes one row, [inputs].
    private func packPanels<Element: BitwiseCopyable & Numeric>(
        of type: Element.Type, fillRow: (Int, UnsafeMutableBufferPointer<Element>) -> Void
    ) {
        let panel = Int(CK_ELEMENT_PANEL)
        withUnsafeTemporaryAllocation(of: Element.self, capacity: panel * inputs) { rows in
            rows.initialize(repeating: 0)
            for first in stride(from: 0, to: outputs, by: panel) {
                let count = min(panel, outputs - first)
                for row in 0..<count {
                    fillRow(
                        first + row, UnsafeMutableBufferPointer(rebasing: rows[row * inputs..<(row + 1) * inputs]))
                }
                ck_pack_panel(packed, data, Int64(first / panel), rows.baseAddress, Int64(count))
            }
        }
    }
}
