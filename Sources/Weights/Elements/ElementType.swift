/// How the numbers of a tensor are stored: plain floats, or blocks of small integers that share scales (ggml's
/// formats).
package enum ElementType: Sendable, Hashable, CaseIterable {
    case float32, float16, bfloat16
    case q80, q40, q41, q50, q51
    case q4K, q5K, q6K

    /// The name ggml and people use.
    package var name: String {
        switch self {
        case .float32: "F32"
        case .float16: "F16"
        case .bfloat16: "BF16"
        case .q80: "Q8_0"
        case .q40: "Q4_0"
        case .q41: "Q4_1"
        case .q50: "Q5_0"
        case .q51: "Q5_1"
        case .q4K: "Q4_K"
        case .q5K: "Q5_K"
        case .q6K: "Q6_K"
        }
    }

    /// Elements per block; a row is a whole number of blocks.
    package var blockSize: Int {
        switch self {
        case .float32, .float16, .bfloat16: 1
        case .q80, .q40, .q41, .q50, .q51: 32
        case .q4K, .q5K, .q6K: 256
        }
    }

    package var bytesPerBlock: Int {
        switch self {
        case .float32: 4
        case .float16, .bfloat16: 2
        case .q80: 2 + 32
        case .q40: 2 + 16
        case .q41: 4 + 16
        case .q50: 2 + 4 + 16
        case .q51: 4 + 4 + 16
        case .q4K: 4 + 12 + 128
        case .q5K: 4 + 12 + 32 + 128
        case .q6K: 128 + 64 + 16 + 2
        }
    }

    /// From the number a GGUF tensor description carries (`enum ggml_type` in ggml.h).
    init?(ggml identifier: UInt32) {
        switch identifier {
        case 0: self = .float32
        case 1: self = .float16
        case 2: self = .q40
        case 3: self = .q41
        case 6: self = .q50
        case 7: self = .q51
        case 8: self = .q80
        case 12: self = .q4K
        case 13: self = .q5K
        case 14: self = .q6K
        case 30: self = .bfloat16
        default: return nil
        }
    }

    /// Names of the ggml types that exist but are not read here, so that the refusal can say which one it met.
    static func unsupportedName(ggml identifier: UInt32) -> String? {
        [
            9: "Q8_1", 10: "Q2_K", 11: "Q3_K", 15: "Q8_K", 16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S",
            20: "IQ4_NL", 21: "IQ3_S", 22: "IQ2_S", 23: "IQ4_XS", 24: "I8", 25: "I16", 26: "I32", 27: "I64",
            28: "F64", 29: "IQ1_M", 34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4",
        ][identifier]
    }
}
