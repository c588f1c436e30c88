import Kernels

/// What a pair leaves for the way back: z = A u, [rows, rank], and with a gate g = σ(v · u), [rows].
final class SiteTrace {
    let z: FloatRows
    let gate: FloatRows

    init(rowsMax: Int, rank: Int) {
        z = FloatRows(rowsMax, rank)
        gate = FloatRows(1, rowsMax)
    }
}

/// A linear layer with its LoRA pair and its PHATGOOSE gate (arXiv 2402.05859), rows u: [rows, inputs].
///
///     g = σ(v · u) (1 without a gate)        z = A u        y = W u + b + s B (g z)
///     dz' = s Bᵀ dy        dB += s dy (g z)ᵀ        dz = g dz'        dA += dz uᵀ
///     dℓ = (dz' · z) g (1 - g)        dv += dℓ u        du = Wᵀ dy + Aᵀ dz + dℓ v
struct LinearPass {
    let parameters: Parameters
    let context: ComputeContext
    /// [rowsMax, rank] each.
    let gated: FloatRows
    let below: FloatRows
    /// [1, rowsMax]
    let logits: FloatRows
    /// [rank, outputs], the widest: dBᵀ, whose long rows are quick to make.
    let turned: FloatRows
    private var products: Products { Products(context: context) }

    /// - Parameter onlyTrace: leave y alone: its value is known or not needed.
    func forward(
        _ u: FloatView, _ linear: FrozenLinear, _ layer: Int, _ site: Site, into y: FloatView, _ trace: SiteTrace?,
        onlyTrace: Bool = false
    ) {
        if !onlyTrace {
            products.timesTransposed(u, linear.weight, into: y)
            if let bias = linear.bias {
                for row in 0..<y.rows { Vectors.add(bias, to: y.row(row), count: y.columns) }
            }
        }
        guard let pair = parameters.pairs[layer][site.rawValue], let trace else { return }
        let z = trace.z.first(u.rows)
        products.timesTransposed(u, parameters.view(pair.down, rows: pair.rank, columns: pair.inputs), into: z)
        if let gate = parameters.gates[layer][site.rawValue] {
            let vector = parameters.values.base + gate
            for row in 0..<u.rows { trace.gate.base[row] = Vectors.dot(u.row(row), vector, count: u.columns) }
            FeedForwardPass.sigmoid(trace.gate.base, into: trace.gate.base, count: u.rows, context)
        }
        guard !onlyTrace else { return }
        let up = parameters.view(pair.up, rows: pair.outputs, columns: pair.rank)
        products.timesTransposed(gatedRows(z, trace, layer, site), up, into: y, scale: pair.scale, accumulates: true)
    }

    /// du = (du +) the gradient through the layer, unless nothing below needs it (nil); `gradient` is flat like the trained parameters.
    func backward(
        _ dy: FloatView, _ u: FloatView, _ linear: FrozenLinear, _ layer: Int, _ site: Site, into du: FloatView?,
        accumulates: Bool = false, _ trace: SiteTrace?, _ gradient: FloatRows
    ) {
        if let du { products.times(dy, linear.weight, into: du, accumulates: accumulates) }
        guard let pair = parameters.pairs[layer][site.rawValue], let trace else { return }
        let z = trace.z.first(u.rows)
        if parameters.isTrained(pair.up) {
            let turned = FloatView(base: turned.base, rows: pair.rank, columns: pair.outputs, stride: pair.outputs)
            products.transposedTimes(gatedRows(z, trace, layer, site), dy, into: turned, scale: pair.scale)
            flat(gradient, pair.up, pair.outputs, pair.rank).add(transposed: turned)
        }
        let dz = below.first(u.rows)
        products.times(
            dy, parameters.view(pair.up, rows: pair.outputs, columns: pair.rank), into: dz, scale: pair.scale)
        if let gate = parameters.gates[layer][site.rawValue] { passGate(gate, z, dz, u, du, trace, gradient) }
        if parameters.isTrained(pair.down) {
            products.transposedTimes(dz, u, into: flat(gradient, pair.down, pair.rank, pair.inputs), accumulates: true)
        }
        guard let du else { return }
        products.times(
            dz, parameters.view(pair.down, rows: pair.rank, columns: pair.inputs), into: du, accumulates: true)
    }

    /// Turns dz' into dz, adds dℓ v to du and dℓ u to the gate's gradient.
    private func passGate(
        _ gate: Int, _ z: FloatView, _ dz: FloatView, _ u: FloatView, _ du: FloatView?, _ trace: SiteTrace,
        _ gradient: FloatRows
    ) {
        let vector = parameters.values.base + gate
        for row in 0..<u.rows {
            let open = trace.gate.base[row]
            let slope = Vectors.dot(dz.row(row), z.row(row), count: z.columns) * open * (1 - open)
            logits.base[row] = slope
            if let du { Vectors.add(slope, vector, to: du.row(row), count: u.columns) }
            Vectors.scale(open, dz.row(row), count: z.columns)
        }
        guard parameters.isTrained(gate) else { return }
        let slopes = FloatView(base: logits.base, rows: u.rows, columns: 1, stride: 1)
        products.transposedTimes(slopes, u, into: flat(gradient, gate, 1, u.columns), accumulates: true)
    }

    private func gatedRows(_ z: FloatView, _ trace: SiteTrace, _ layer: Int, _ site: Site) -> FloatView {
        guard parameters.gates[layer][site.rawValue] != nil else { return z }
        let result = gated.first(z.rows)
        for row in 0..<z.rows {
            for column in 0..<z.columns { result.row(row)[column] = trace.gate.base[row] * z.row(row)[column] }
        }
        return result
    }

    private func flat(_ gradient: FloatRows, _ offset: Int, _ rows: Int, _ columns: Int) -> FloatView {
        FloatView(base: gradient.base + offset, rows: rows, columns: columns, stride: columns)
    }
}
