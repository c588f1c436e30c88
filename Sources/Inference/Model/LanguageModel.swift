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
    /// Of a master.
    var functional: FunctionalRows?

    package var numericsID: String { mode.numericsID }
    /// Functional tokens included.
    package var vocabularySize: Int { configuration.vocabularySize + (functional?.count ?? 0) }

    /// All groups of linear layers, by index: what an expert bank may serve.
    package var siteGroups: [SiteGroup] { layers.flatMap(\.groups) + [head] }

    /// Bytes of packed weights in memory.
    package var packedBytes: Int {
        siteGroups.reduce(0) { $0 + $1.linears.reduce(0) { $0 + $1.base.bytes } }
            + layers.reduce(0) { $0 + $1.feedForward.bytesBesideGroups }
    }
}

/// One transformer block:
///
///     x = x + W_o attention(rope(W_q n), rope(W_k n), W_v n),  n = norm(x)
///     x = x + W_down (silu(W_gate m) · W_up m),                m = norm(x)
///
/// Families differ: biases of W_q, W_k, W_v and W_o; norms (`QueryKeyNorm`) and clamping of W_q n, W_k n (and W_v n); a mixture of
/// experts (`MixtureLayer`) for the second line, and a third line after it (`ExtraFeedForward`); a doubled gate
/// (`ModelConfiguration.Activation`); attention's scale.
struct DecoderLayer: Sendable {
    /// [hidden]
    let inputNorm: [Float]
    /// q [heads · d, hidden], k and v [key-value heads · d, hidden].
    let queryKeyValue: SiteGroup
    /// [d] or [heads · d], by the configuration's `queryKeyNorm`; nil where there is none.
    let queryNorm: [Float]?
    let keyNorm: [Float]?
    /// o [hidden, heads · d].
    let attentionOutput: SiteGroup
    /// [hidden]
    let postAttentionNorm: [Float]
    let feedForward: FeedForward
    /// Follows a mixture, in OpenMoE.
    let extra: ExtraFeedForward?

    var groups: [SiteGroup] {
        [queryKeyValue, attentionOutput] + feedForward.groups + (extra.map { [$0.gateUp, $0.down] } ?? [])
    }

    var mixture: MixtureLayer? {
        guard case .mixture(let mixture) = feedForward else { return nil }
        return mixture
    }
}
