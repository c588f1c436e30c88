import CKernels

/// What the weights of a packed matrix are: elements, which become f32 in registers (so a matrix of f16 has the bits of the same values as
/// f32, at half the memory), or quantised blocks, whose products are of integers.
package enum MatrixFormat: Sendable, Equatable {
    case elements(ElementFormat)
    case blocks(BlockLayout)

    package var name: String {
        switch self {
        case .elements(let format): format.rawValue
        case .blocks(let layout): layout.rawValue
        }
    }

    /// Sizes, without data.
    func matrix(outputs: Int64, inputs: Int64) -> ck_matrix {
        switch self {
        case .elements(let format): ck_matrix_elements(format.matrixCode, outputs, inputs)
        case .blocks(let layout): ck_matrix_blocks(layout.code, outputs, inputs)
        }
    }
}

extension ElementFormat {
    fileprivate var matrixCode: Int32 {
        switch self {
        case .float32: Int32(CK_F32)
        case .float16: Int32(CK_F16)
        case .bfloat16: Int32(CK_BF16)
        }
    }
}
