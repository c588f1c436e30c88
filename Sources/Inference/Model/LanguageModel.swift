import Kernels
import Weights

/// The weights of a Llama-family transformer, packed for the kernels. Immutable; engines share it.
package struct LanguageModel: Sendable {
    package let configuration: ModelConfiguration
    package let mode: ComputeMode
    /// [vocabulary, hidden], read from the file row by row.
    let embedding: TensorView
    let layers: [DecoderLayer]
    /// [hidden]
    let finalNorm: [Float]
    /// The head; `linears[0].base` is [vocabulary, hidden].
    let head: SiteGroup

    package var numericsID: String { mode.numericsID }
    package var vocabularySize: Int { configuration.vocabularySize }

    /// All groups of linear layers, by index: what an expert bank may serve.
    package var siteGroups: [SiteGroup] { layers.flatMap(\.groups) + [head] }

    /// Bytes of packed weights in memory.
    package var packedBytes: Int {
        siteGroups.reduce(0) { $0 + $1.linears.reduce(0) { $0 + $1.base.bytes } }
    }
}

/// One transformer block:
///
///     x = x + W_o attention(rope(W_q n), rope(W_k n), W_v n),  n = norm(x)
///     x = x + W_down (silu(W_gate m) · W_up m),                m = norm(x)
struct DecoderLayer: Sendable {
    /// [hidden]
    let inputNorm: [Float]
    /// q [heads · d, hidden], k and v [key-value heads · d, hidden].
    let queryKeyValue: SiteGroup
    /// o [hidden, heads · d].
    let attentionOutput: SiteGroup
    /// [hidden]
    let postAttentionNorm: [Float]
    /// gate and up [intermediate, hidden].
    let gateUp: SiteGroup
    /// down [hidden, intermediate].
    let down: SiteGroup

    var groups: [SiteGroup] { [queryKeyValue, attentionOutput, gateUp, down] }
}
