import CKernels

/// How the numbers of a matrix or a low-rank pair are stored, on disk and packed: they become f32 in registers only.
package enum ElementFormat: String, CaseIterable, Sendable {
    case float32 = "F32"
    case float16 = "F16"
    case bfloat16 = "BF16"

    package var bytes: Int { self == .float32 ? 4 : 2 }

    var code: Int32 {
        switch self {
        case .float32: Int32(CK_ELEMENT_F32)
        case .float16: Int32(CK_ELEMENT_F16)
        case .bfloat16: Int32(CK_ELEMENT_BF16)
        }
    }
}

/// How a matrix [rows, columns] lies in a file: little-endian elements, row after row, or column after column.
package struct StoredShape: Sendable, Equatable {
    package let format: ElementFormat
    package let rows: Int
    package let columns: Int
    /// Whether the bytes hold [columns, rows].
    package let isTransposed: Bool

    package init(_ format: ElementFormat, rows: Int, columns: Int, isTransposed: Bool = false) {
        self.format = format
        self.rows = rows
        self.columns = columns
        self.isTransposed = isTransposed
    }

    /// Elements from one row, and from one column, to the next.
    var strides: (row: Int64, column: Int64) {
        isTransposed ? (1, Int64(rows)) : (Int64(columns), 1)
    }

    func require(_ bytes: RawSpan) throws(PackingError) {
        guard (1...PackedMatrix.sideMax).contains(rows), (1...PackedMatrix.sideMax).contains(columns) else {
            throw .shape(outputs: rows, inputs: columns)
        }
        guard bytes.byteCount == rows * columns * format.bytes else {
            throw .wrongByteCount(expected: rows * columns * format.bytes, found: bytes.byteCount)
        }
    }
}
