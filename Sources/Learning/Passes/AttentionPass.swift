import Kernels

/// Causal attention with grouped queries: query head h reads key and value head h / (heads / keyValueHeads).
///
///     S = q kᵀ / sqrt(d)       P = softmax of each row i over j <= i        o = P v
///     dv += Pᵀ do        dP = do vᵀ        dS_ij = P_ij (dP_ij - Σ_j P_ij dP_ij)        dq = dS k / sqrt(d)        dk += dSᵀ q / sqrt(d)
///
/// P is computed again on the way back: two matrices [T, T] per shard, whatever the number of heads and layers.
struct AttentionPass {
    let heads: Int
    let keyValueHeads: Int
    let dimension: Int
    let context: ComputeContext
    /// [T, T] each, T the longest block.
    let probabilities: FloatRows
    let gradients: FloatRows

    private var products: Products { Products(context: context) }
    private var scale: Float { 1 / Float(dimension).squareRoot() }

    private func columns(_ head: Int) -> Range<Int> { head * dimension..<(head + 1) * dimension }
    private func shared(_ head: Int) -> Range<Int> { columns(head * keyValueHeads / heads) }

    /// One block: q, o: [T, heads · d], k, v: [T, keyValueHeads · d].
    func forward(q: FloatView, k: FloatView, v: FloatView, into o: FloatView) {
        let scores = square(probabilities, q.rows)
        for head in 0..<heads {
            softmax(q.columns(columns(head)), k.columns(shared(head)), into: scores)
            products.times(scores, v.columns(shared(head)), into: o.columns(columns(head)))
        }
    }

    /// dq is replaced; dk and dv are added to.
    func backward(
        q: FloatView, k: FloatView, v: FloatView, dO: FloatView, dq: FloatView, dk: FloatView, dv: FloatView
    ) {
        let scores = square(probabilities, q.rows)
        let above = square(gradients, q.rows)
        for head in 0..<heads {
            let (mine, shared) = (columns(head), shared(head))
            softmax(q.columns(mine), k.columns(shared), into: scores)
            products.transposedTimes(scores, dO.columns(mine), into: dv.columns(shared), accumulates: true)
            products.timesTransposed(dO.columns(mine), v.columns(shared), into: above)
            for row in 0..<q.rows {
                let (p, d) = (scores.row(row), above.row(row))
                let mean = Vectors.dot(p, d, count: row + 1)
                for column in 0...row { d[column] = p[column] * (d[column] - mean) }
                (d + row + 1).update(repeating: 0, count: q.rows - row - 1)
            }
            products.times(above, k.columns(shared), into: dq.columns(mine), scale: scale)
            products.transposedTimes(above, q.columns(mine), into: dk.columns(shared), scale: scale, accumulates: true)
        }
    }

    private func softmax(_ q: FloatView, _ k: FloatView, into scores: FloatView) {
        products.timesTransposed(q, k, into: scores, scale: scale)
        for row in 0..<scores.rows {
            let line = scores.row(row)
            let most = context.maximum(line, count: row + 1)
            for column in 0...row { line[column] -= most }
            var span = UnsafeMutableBufferPointer(start: line, count: row + 1).mutableSpan
            context.exponentiate(&span)
            Vectors.scale(1 / Vectors.sum(line, count: row + 1), line, count: row + 1)
            (line + row + 1).update(repeating: 0, count: scores.rows - row - 1)
        }
    }

    private func square(_ matrix: FloatRows, _ side: Int) -> FloatView {
        FloatView(base: matrix.base, rows: side, columns: side, stride: matrix.columns)
    }
}
