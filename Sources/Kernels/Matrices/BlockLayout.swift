import CKernels

/// GGML's quantised row layouts that the integer kernels take without changing a weight: scale * (w - zero point) + minimum, with
/// one scale per 32 weights. (Q6_K and Q3_K have one per 16 and Q2_K too: dequantise those to f32.)
package enum BlockLayout: String, CaseIterable, Sendable {
    // swift-format-ignore: AlwaysUseLowerCamelCase
    case q8_0 = "Q8_0"
    // swift-format-ignore: AlwaysUseLowerCamelCase
    case q4_0 = "Q4_0"
    // swift-format-ignore: AlwaysUseLowerCamelCase
    case q4_1 = "Q4_1"
    // swift-format-ignore: AlwaysUseLowerCamelCase
    case q5_0 = "Q5_0"
    // swift-format-ignore: AlwaysUseLowerCamelCase
    case q5_1 = "Q5_1"
    case q4K = "Q4_K"
    case q5K = "Q5_K"

    /// Weights per block: 32, or 256 for the K layouts. Inputs are a multiple of it.
    package var blockWeights: Int {
        var weights: Int32 = 0
        _ = ck_layout_bytes(code, &weights)
        return Int(weights)
    }

    /// Bytes per block.
    package var blockBytes: Int {
        var weights: Int32 = 0
        return Int(ck_layout_bytes(code, &weights))
    }

    /// Bytes of one row of `inputs` weights.
    package func rowBytes(inputs: Int) -> Int { inputs / blockWeights * blockBytes }

    var code: Int32 {
        switch self {
        case .q8_0: Int32(CK_Q8_0)
        case .q4_0: Int32(CK_Q4_0)
        case .q4_1: Int32(CK_Q4_1)
        case .q5_0: Int32(CK_Q5_0)
        case .q5_1: Int32(CK_Q5_1)
        case .q4K: Int32(CK_Q4_K)
        case .q5K: Int32(CK_Q5_K)
        }
    }
}

/// Why a matrix could not be packed.
package enum PackingError: Error, Equatable, CustomStringConvertible {
    case inputsNotWholeBlocks(inputs: Int, layout: BlockLayout)
    case wrongByteCount(expected: Int, found: Int)
    case shape(outputs: Int, inputs: Int)
    case rank(down: Int, up: Int)
    case outOfMemory(bytes: Int)

    package var description: String {
        switch self {
        case .inputsNotWholeBlocks(let inputs, let layout):
            "\(layout.rawValue) has blocks of \(layout.blockWeights) weights, and \(inputs) inputs are no multiple of that; "
                + "dequantise the matrix to f32 instead"
        case .wrongByteCount(let expected, let found):
            "the rows of the matrix need \(expected) bytes, found \(found)"
        case .shape(let outputs, let inputs):
            "a matrix of [\(outputs), \(inputs)] cannot be packed: each side must be between 1 and \(PackedMatrix.sideMax)"
        case .rank(let down, let up):
            "A of rank \(down) and B of rank \(up): a low-rank pair has one rank, 1 to \(PackedPair.rankMax)"
        case .outOfMemory(let bytes):
            "no memory for \(bytes) bytes of packed weights; use a smaller or more strongly quantised model"
        }
    }
}
