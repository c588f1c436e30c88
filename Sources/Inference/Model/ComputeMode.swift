import Kernels

/// How a model's linear layers compute. Each has one accumulation order per output element (P1); the two differ from each other.
package enum ComputeMode: String, CaseIterable, Sendable {
    /// f32 arithmetic on the dequantised weights: the reference.
    case exact
    /// Integer kernels where the file's weights are block-quantised, as `exact` elsewhere.
    case fast

    /// What must be equal for two processes to give the same bits.
    package var numericsID: String { "\(KernelVersion.current)+\(rawValue)" }
}
