import Kernels

/// Causal attention with grouped queries: query head h reads key and value head h / (heads / keyValueHeads).
///
///     S = q kᵀ / sqrt(d)       P = softmax of each row i over j <= i        o = P v
///     dv += Pᵀ do        dP = do vᵀ        dS_ij = P_ij (dP_ij - Σ_j P_ij dP_ij)        dq = dS k / sqrt(d)        dk += dSᵀ q / sqrt(d)
///
/// Products leave out what is above the diagonal. P is computed again on the way back: two matrices [T, T] per shard, whatever the number of heads and layers. The keys and values of a
/// segment that shares a beginning are gathered behind those of the beginning, and their gradients handed back to both.
struct AttentionPass {
    let heads: Int
    let keyValueHeads: Int
    let dimension: Int
    let context: ComputeContext
    /// [T, T] each, T the longest block.
    let probabilities: FloatRows
    let gradients: FloatRows
    let gathered: GatheredKeys

    private var products: Products { Products(context: context) }
    private var scale: Float { 1 / Float(dimension).squareRoot() }

    private func columns(_ head: Int) -> Range<Int> { head * dimension..<(head + 1) * dimension }
    private func shared(_ head: Int) -> Range<Int> { columns(head * keyValueHeads / heads) }

    /// One segment of the shard's rows; q, o: [rows, heads · d], k, v: [rows, keyValueHeads · d].
    func forward(_ segment: Segment, q: FloatView, k: FloatView, v: FloatView, into o: FloatView) {
        let (k, v) = (gathered.rows(k, segment, into: gathered.k), gathered.rows(v, segment, into: gathered.v))
        forward(q: q.rows(segment.rows), k: k, v: v, into: o.rows(segment.rows))
    }

    /// dq is replaced; dk and dv are added to.
    func backward(
        _ segment: Segment, q: FloatView, k: FloatView, v: FloatView, dO: FloatView, dq: FloatView, dk: FloatView,
        dv: FloatView
    ) {
        let (allK, allV) = (gathered.rows(k, segment, into: gathered.k), gathered.rows(v, segment, into: gathered.v))
        let (own, dOwn, dOOwn) = (q.rows(segment.rows), dq.rows(segment.rows), dO.rows(segment.rows))
        guard !segment.shared.isEmpty else {
            return backward(
                q: own, k: allK, v: allV, dO: dOOwn, dq: dOwn, dk: dk.rows(segment.rows), dv: dv.rows(segment.rows))
        }
        let (dAllK, dAllV) = (gathered.dk.first(allK.rows), gathered.dv.first(allK.rows))
        dAllK.clear()
        dAllV.clear()
        backward(q: own, k: allK, v: allV, dO: dOOwn, dq: dOwn, dk: dAllK, dv: dAllV)
        gathered.add(dAllK, to: dk, segment)
        gathered.add(dAllV, to: dv, segment)
    }

    /// q, o: [T, heads · d], k, v: [S, keyValueHeads · d]: the queries are the last T of S positions.
    private func forward(q: FloatView, k: FloatView, v: FloatView, into o: FloatView) {
        let scores = matrix(probabilities, q.rows, k.rows)
        for head in 0..<heads {
            softmax(q.columns(columns(head)), k.columns(shared(head)), into: scores)
            products.times(
                scores, v.columns(shared(head)), into: o.columns(columns(head)),
                triangle: .xBelow(diagonal: k.rows - q.rows))
        }
    }

    private func backward(
        q: FloatView, k: FloatView, v: FloatView, dO: FloatView, dq: FloatView, dk: FloatView, dv: FloatView
    ) {
        let scores = matrix(probabilities, q.rows, k.rows)
        let above = matrix(gradients, q.rows, k.rows)
        let before = k.rows - q.rows
        for head in 0..<heads {
            let (mine, shared) = (columns(head), shared(head))
            softmax(q.columns(mine), k.columns(shared), into: scores)
            products.transposedTimes(
                scores, dO.columns(mine), into: dv.columns(shared), accumulates: true,
                triangle: .xAbove(diagonal: before))
            products.timesTransposed(
                dO.columns(mine), v.columns(shared), into: above, triangle: .outBelow(diagonal: before))
            for row in 0..<q.rows {
                let (p, d) = (scores.row(row), above.row(row))
                let seen = before + row + 1
                let mean = Vectors.dot(p, d, count: seen)
                for column in 0..<seen { d[column] = p[column] * (d[column] - mean) }
                (d + seen).update(repeating: 0, count: k.rows - seen)
            }
            products.times(
                above, k.columns(shared), into: dq.columns(mine), scale: scale, triangle: .xBelow(diagonal: before))
            products.transposedTimes(
                above, q.columns(mine), into: dk.columns(shared), scale: scale, accumulates: true,
                triangle: .xAbove(diagonal: before))
        }
    }

    private func softmax(_ q: FloatView, _ k: FloatView, into scores: FloatView) {
        products.timesTransposed(
            q, k, into: scores, scale: scale, triangle: .outBelow(diagonal: k.rows - q.rows))
        for row in 0..<scores.rows {
            let line = scores.row(row)
            let seen = k.rows - q.rows + row + 1
            let most = context.maximum(line, count: seen)
            for column in 0..<seen { line[column] -= most }
            var span = UnsafeMutableBufferPointer(start: line, count: seen).mutableSpan
            context.exponentiate(&span)
            Vectors.scale(1 / Vectors.sum(line, count: seen), line, count: seen)
            (line + seen).update(repeating: 0, count: k.rows - seen)
        }
    }

    private func matrix(_ memory: FloatRows, _ rows: Int, _ columns: Int) -> FloatView {
        FloatView(base: memory.base, rows: rows, columns: columns, stride: memory.columns)
    }
}
