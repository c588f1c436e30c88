import Kernels
import Weights

extension ForwardPass {
    /// What some families do to W_q n, W_k n and W_v n before they are rotated: norms, then clamping.
    func prepareForRotation(_ layer: PreparedLayer, rows: Int) {
        if let weight = layer.queryNorm { normHeads(buffers.queries, weight, rows) }
        if let weight = layer.keyNorm { normHeads(buffers.keys, weight, rows) }
        guard let clip = model.configuration.projectionClip else { return }
        for columns in [buffers.queriesAndKeys, buffers.values] { columns.clamp(to: clip, rows: rows) }
    }

    /// Each part of a row that is as wide as the weight is normed by itself: a head (Qwen3), or the whole row (OLMoE).
    private func normHeads(_ x: Columns, _ weight: RowBuffer, _ rows: Int) {
        for first in stride(from: x.first, to: x.first + x.width, by: weight.width) {
            let head = x.buffer.columns(first..<first + weight.width)
            context.rmsNorm(
                head, rows: rows, weight: weight.columns, epsilon: model.configuration.rmsNormEpsilon, into: head)
        }
    }
}

extension Columns {
    /// x = min(max(x, -limit), limit). A NaN stays one.
    func clamp(to limit: Float, rows: Int) {
        for row in 0..<rows {
            buffer.withMutableRow(row) { values in
                for column in first..<first + width {
                    if values[column] > limit { values[column] = limit }
                    if values[column] < -limit { values[column] = -limit }
                }
            }
        }
    }
}
