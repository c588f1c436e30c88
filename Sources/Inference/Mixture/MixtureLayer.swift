import Gating
import Kernels

/// A feed-forward layer that is a mixture of experts:
///
///     y = Σ_e w_e(x) FFN_e(x), e ascending, + σ(W_s x) FFN_shared(x) where there is a shared expert
///
/// FFN(x) = W_down (silu(W_gate x) · W_up x). The gate says which w_e are not 0. Families differ in the gate and the shared expert;
/// experts of a layer may differ in F.
struct MixtureLayer: Sendable {
    /// Of the model, from 0.
    let layer: Int
    let gate: LayerGate
    /// W, [E, hidden], always f32: which experts a token gets must not depend on how weights are rounded.
    let router: PackedMatrix
    /// Weights that a row through an expert is multiplied with, [E]; of 0 computes nothing: FFN(x) = 0.
    let costs: [Int]
    /// [E]; nil for an expert that computes nothing, and for one that workers compute.
    let experts: [FeedForwardMatrices?]
    let shared: SharedExpert?

    var matrices: [PackedMatrix] {
        [router] + experts.flatMap { $0?.matrices ?? [] }
            + (shared.map { $0.feedForward.matrices + [$0.weigher] } ?? [])
    }
}

/// W_gate and W_up, [F, hidden], W_down, [hidden, F].
struct FeedForwardMatrices: Sendable {
    let gate: PackedMatrix
    let up: PackedMatrix
    let down: PackedMatrix

    var matrices: [PackedMatrix] { [gate, up, down] }
}

/// The expert of every token, and W_s, [1, hidden], f32.
struct SharedExpert: Sendable {
    let feedForward: FeedForwardMatrices
    let weigher: PackedMatrix
}

/// x = x + FFN(norm(x)) after a mixture, for every token.
struct ExtraFeedForward: Sendable {
    /// [hidden]
    let norm: [Float]
    let gateUp: SiteGroup
    let down: SiteGroup
}

/// What follows attention in a block.
enum FeedForward: Sendable {
    /// gate and up [intermediate, hidden]; down [hidden, intermediate].
    case dense(gateUp: SiteGroup, down: SiteGroup)
    case mixture(MixtureLayer)

    /// What an expert bank may serve.
    var groups: [SiteGroup] {
        switch self {
        case .dense(let gateUp, let down): [gateUp, down]
        case .mixture: []
        }
    }

    /// Bytes of packed weights that are in no group.
    var bytesBesideGroups: Int {
        switch self {
        case .dense: 0
        case .mixture(let layer): layer.matrices.reduce(0) { $0 + $1.bytes }
        }
    }
}
