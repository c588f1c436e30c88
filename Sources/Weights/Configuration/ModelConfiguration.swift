/// The shape of a Llama-family transformer and the constants of its arithmetic, whatever file they came from.
package struct ModelConfiguration: Sendable, Equatable {
    package enum Architecture: String, Sendable {
        case llama, mistral, qwen2
        case mixtral, qwen2moe, qwen3moe, olmoe, openmoe

        /// Its feed-forward layers, or some, are mixtures of experts.
        var hasExperts: Bool {
            switch self {
            case .llama, .mistral, .qwen2: false
            case .mixtral, .qwen2moe, .qwen3moe, .olmoe, .openmoe: true
            }
        }
    }

    package enum Activation: String, Sendable {
        /// silu(W_gate x) · W_up x, W_gate [F, hidden].
        case silu
        /// (g1 · silu(g2)) · W_up x, W_gate x = (g1, g2), W_gate [2F, hidden]: OpenMoE's doubled gate.
        case doubledGate
    }

    package let architecture: Architecture
    package let layerCount: Int
    package let hiddenSize: Int
    /// Of dense feed-forward layers; experts have a width of their own.
    package let intermediateSize: Int
    package let headCount: Int
    /// Divides `headCount`; equal to it without grouped-query attention.
    package let keyValueHeadCount: Int
    /// Even.
    package let headDimension: Int
    package let vocabularySize: Int
    /// Positions the model was made for; where it attends through a sliding window, the window, below which both agree.
    package let contextLength: Int
    package let rmsNormEpsilon: Float
    package let ropeTheta: Double
    package let ropeScaling: RopeScaling
    /// The head is `model.embed_tokens.weight`; there is no `lm_head.weight`.
    package let tiedEmbeddings: Bool
    /// `q_proj`, `k_proj` and `v_proj` have a bias.
    package let hasQueryKeyValueBias: Bool
    /// `o_proj` has a bias.
    package let hasOutputBias: Bool
    package let queryKeyNorm: QueryKeyNorm
    /// Queries, keys and values are clamped to -clip ... clip (OLMoE); nil: they are not.
    package let projectionClip: Float?
    /// What scores q · k are multiplied by: 1/√d, of OpenMoE 1.
    package let attentionScale: Float
    package let activation: Activation
    /// nil: every feed-forward layer is dense.
    package let mixture: MixtureConfiguration?
    package let beginToken: Int?
    /// Tokens that end an answer: end of sequence, of turn, of message; ascending, without repetition.
    package let endTokens: [Int]
}

/// How rotary frequencies θ_i = ropeTheta^(-2i/d), i < d/2, are changed for longer contexts.
package enum RopeScaling: Sendable, Equatable {
    case none
    /// θ_i / factor.
    case linear(factor: Double)
    /// Llama 3.1: long wavelengths divided by `factor`, short ones kept, a ramp between them.
    case llama3(factor: Double, lowFrequencyFactor: Double, highFrequencyFactor: Double, originalContext: Int)
    /// θ_i / factors[i]: Llama 3's scaling as GGUF stores it, d/2 numbers.
    case frequencyFactors([Float])
    /// YaRN (arXiv 2309.00071). `attentionFactor` nil means 0.1 ln(factor) + 1.
    case yarn(factor: Double, originalContext: Int, attentionFactor: Double?, betaFast: Double, betaSlow: Double)
}
