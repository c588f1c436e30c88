import Kernels
import Weights

/// What one decoder layer leaves for the way back; the rest (norms, P, silu) is cheap and computed again.
///
/// Per row 2 hidden + (2 heads + 2 keyValueHeads) · d + 2 intermediate floats, and 7 rank for the pairs.
final class LayerTrace {
    let q, k, v, attended, middle, gate, up: FloatRows
    let sites: [SiteTrace?]

    /// - Parameter pairs: the layer's, by `Site.rawValue`; of several layers that share this the widest.
    init(_ trunk: FrozenTrunk, pairs: [PairPlace?], rowsMax: Int) {
        let configuration = trunk.configuration
        func rows(_ site: Site) -> FloatRows { FloatRows(rowsMax, configuration.shape(of: site).outputs) }
        (q, k, v, gate, up) = (rows(.q), rows(.k), rows(.v), rows(.gate), rows(.up))
        attended = rows(.q)
        middle = rows(.o)
        sites = pairs.map { pair in pair.map { SiteTrace(rowsMax: rowsMax, rank: $0.rank) } }
    }

    static func floatsPerRow(_ configuration: ModelConfiguration, _ parameters: Parameters) -> Int {
        let outputs = Site.allCases.reduce(0) { $0 + configuration.shape(of: $1).outputs }
        let ranks = parameters.widestPairs.reduce(0) { $0 + ($1.map { $0.rank + 1 } ?? 0) }
        return outputs - configuration.hiddenSize + configuration.shape(of: .q).outputs + ranks
    }
}

/// A decoder layer on the rows of several blocks:
///
///     n = norm(x)      q, k = turned W_q n, W_k n      v = W_v n      m = x + W_o attention(q, k, v)
///     n' = norm(m)     y = m + W_down (silu(W_gate n') ⊙ W_up n')
///
/// with a pair at each linear (`LinearPass`). Backwards in the opposite order; a residual passes its gradient on to both sides.
final class LayerPass {
    let trunk: FrozenTrunk
    let linear: LinearPass
    let attention: AttentionPass
    let context: ComputeContext
    private let normed, wide, wideBelow, wideOther, dq, dk, dv, dOut, dNorm: FloatRows
    private var epsilon: Float { trunk.configuration.rmsNormEpsilon }

    init(_ trunk: FrozenTrunk, _ parameters: Parameters, rowsMax: Int, blockMax: Int, _ context: ComputeContext) {
        let configuration = trunk.configuration
        func rows(_ site: Site) -> FloatRows { FloatRows(rowsMax, configuration.shape(of: site).outputs) }
        let rank = parameters.pairs.joined().compactMap { $0?.rank }.max() ?? 1
        self.trunk = trunk
        self.context = context
        linear = LinearPass(
            parameters: parameters, context: context, gated: FloatRows(rowsMax, rank),
            below: FloatRows(rowsMax, rank), logits: FloatRows(1, rowsMax),
            turned: FloatRows(rank, Site.allCases.map { configuration.shape(of: $0).outputs }.max() ?? 1))
        attention = AttentionPass(
            heads: configuration.headCount, keyValueHeads: configuration.keyValueHeadCount,
            dimension: configuration.headDimension, context: context, probabilities: FloatRows(blockMax, blockMax),
            gradients: FloatRows(blockMax, blockMax),
            gathered: GatheredKeys(blockMax: blockMax, width: configuration.shape(of: .k).outputs))
        (normed, dNorm) = (rows(.o), rows(.o))
        (wide, wideBelow, wideOther) = (rows(.up), rows(.up), rows(.up))
        (dq, dk, dv, dOut) = (rows(.q), rows(.k), rows(.v), rows(.q))
    }

    /// - Parameter y: nil where only the trace is wanted: then the last product is left out.
    func forward(_ x: FloatView, _ index: Int, _ segments: [Segment], into y: FloatView?, _ trace: LayerTrace) {
        let layer = trunk.layers[index]
        let rows = x.rows
        let positions = segments.flatMap { Array($0.positions) }
        let (n, middle) = (normed.first(rows), trace.middle.first(rows))
        func project(_ site: Site, _ input: FloatView, _ output: FloatView, onlyTrace: Bool = false) {
            linear.forward(
                input, layer[site], index, site, into: output, trace.sites[site.rawValue], onlyTrace: onlyTrace)
        }
        NormPass.forward(x, layer.attentionNorm, epsilon, into: n)
        let (q, k, v) = (trace.q.first(rows), trace.k.first(rows), trace.v.first(rows))
        project(.q, n, q)
        project(.k, n, k)
        project(.v, n, v)
        RotaryPass.turn(q, positions, trunk.rotary)
        RotaryPass.turn(k, positions, trunk.rotary)
        for part in segments {
            attention.forward(part, q: q, k: k, v: v, into: trace.attended.first(rows))
        }
        project(.o, trace.attended.first(rows), middle)
        middle.add(x)
        NormPass.forward(middle, layer.feedForwardNorm, epsilon, into: n)
        project(.gate, n, trace.gate.first(rows))
        project(.up, n, trace.up.first(rows))
        let inner = wide.first(rows)
        FeedForwardPass.forward(trace.gate.first(rows), trace.up.first(rows), into: inner, context)
        project(.down, inner, y ?? n, onlyTrace: y == nil)
        y?.add(middle)
    }

    /// Turns dx, the gradient of the layer's output, into that of its input x.
    ///
    /// - Parameter goesOn: whether anything below the layer needs that. Where not, dx is left half made, and what only leads to it, left out.
    func backward(
        _ dx: FloatView, _ x: FloatView, _ index: Int, _ segments: [Segment], _ trace: LayerTrace,
        _ gradient: FloatRows, goesOn: Bool
    ) {
        let wantsQueries = goesOn || trains([.q, .k, .v], index)
        let wantsMiddle = wantsQueries || trains([.o], index)
        feedForwardBackward(dx, index, trace, gradient, goesOn: wantsMiddle)
        guard wantsMiddle else { return }
        back(
            dx, trace.attended.first(dx.rows), index, .o, into: wantsQueries ? dOut.first(dx.rows) : nil, trace,
            gradient)
        guard wantsQueries else { return }
        attentionBackward(dx, x, index, segments, trace, gradient, goesOn: goesOn)
    }

    private func trains(_ sites: [Site], _ layer: Int) -> Bool {
        sites.contains { linear.parameters.isTrained($0, layer) }
    }

    private func back(
        _ dy: FloatView, _ u: FloatView, _ index: Int, _ site: Site, into du: FloatView?, accumulates: Bool = false,
        _ trace: LayerTrace, _ gradient: FloatRows
    ) {
        linear.backward(
            dy, u, trunk.layers[index][site], index, site, into: du, accumulates: accumulates,
            trace.sites[site.rawValue], gradient)
    }

    private func feedForwardBackward(
        _ dx: FloatView, _ index: Int, _ trace: LayerTrace, _ gradient: FloatRows, goesOn: Bool
    ) {
        let layer = trunk.layers[index]
        let (inner, above, other) = (wide.first(dx.rows), wideBelow.first(dx.rows), wideOther.first(dx.rows))
        let (a, b, middle) = (trace.gate.first(dx.rows), trace.up.first(dx.rows), trace.middle.first(dx.rows))
        let (n, dn) = (normed.first(dx.rows), dNorm.first(dx.rows))
        FeedForwardPass.forward(a, b, into: inner, context)
        let wantsInner = goesOn || trains([.gate, .up], index)
        back(dx, inner, index, .down, into: wantsInner ? above : nil, trace, gradient)
        guard wantsInner else { return }
        FeedForwardPass.backward(above, a, b, da: inner, db: other, context)
        NormPass.forward(middle, layer.feedForwardNorm, epsilon, into: n)
        back(inner, n, index, .gate, into: goesOn ? dn : nil, trace, gradient)
        back(other, n, index, .up, into: goesOn ? dn : nil, accumulates: true, trace, gradient)
        guard goesOn else { return }
        NormPass.backward(dn, middle, layer.feedForwardNorm, epsilon, addedTo: dx)
    }

    /// From dO, which the output projection has left in `dOut`.
    private func attentionBackward(
        _ dx: FloatView, _ x: FloatView, _ index: Int, _ segments: [Segment], _ trace: LayerTrace,
        _ gradient: FloatRows, goesOn: Bool
    ) {
        let layer = trunk.layers[index]
        let rows = dx.rows
        let positions = segments.flatMap { Array($0.positions) }
        let (q, k, v) = (trace.q.first(rows), trace.k.first(rows), trace.v.first(rows))
        let (dq, dk, dv, dO) = (self.dq.first(rows), self.dk.first(rows), self.dv.first(rows), dOut.first(rows))
        let (n, dn) = (normed.first(rows), dNorm.first(rows))
        dk.clear()
        dv.clear()
        for part in segments {
            attention.backward(part, q: q, k: k, v: v, dO: dO, dq: dq, dk: dk, dv: dv)
        }
        RotaryPass.turn(dq, positions, trunk.rotary, back: true)
        RotaryPass.turn(dk, positions, trunk.rotary, back: true)
        NormPass.forward(x, layer.attentionNorm, epsilon, into: n)
        back(dq, n, index, .q, into: goesOn ? dn : nil, trace, gradient)
        back(dk, n, index, .k, into: goesOn ? dn : nil, accumulates: true, trace, gradient)
        back(dv, n, index, .v, into: goesOn ? dn : nil, accumulates: true, trace, gradient)
        guard goesOn else { return }
        NormPass.backward(dn, x, layer.attentionNorm, epsilon, addedTo: dx)
    }
}
