import Foundation
import Kernels

/// The output head and masked cross-entropy, a few rows at a time, so that no matrix [rows, vocabulary] ever exists.
///
///     ℓ = E h, E = [trunk's rows; new rows]        loss = Σ over targets t of c_t (log Σ e^ℓ - ℓ_t)
///     dℓ = w c_t (softmax(ℓ) - 1_t), w = 1 / Σ c of the whole step        dh = Eᵀ dℓ        dE_new += dℓ_new hᵀ
struct HeadPass {
    static let rowsAtOnce = 256

    /// A row that predicts, with what, and what that counts (c_t).
    struct Target {
        let row, token: Int
        let weight: Float
    }

    let trunk: FrozenTrunk
    let parameters: Parameters
    let context: ComputeContext
    /// [rowsAtOnce, vocabulary + new rows]
    let logits: FloatRows
    /// [rowsAtOnce, hidden]
    let inputs: FloatRows
    let below: FloatRows
    private var products: Products { Products(context: context) }

    /// - Parameters:
    ///   - h: [rows, hidden] after the last norm.
    ///   - targets: no row twice.
    ///   - weight: w; nil where the loss alone is wanted.
    ///   - dh: its rows of `targets` are written, the others left alone; nil where nothing below the head learns.
    /// - Returns: Σ of the loss over the targets, in nats.
    func run(
        _ h: FloatView, _ targets: [Target], weight: Float?, dh: FloatView?, _ gradient: FloatRows
    ) -> Double {
        var loss = 0.0
        for start in stride(from: 0, to: targets.count, by: Self.rowsAtOnce) {
            let part = Array(targets[start..<min(start + Self.rowsAtOnce, targets.count)])
            loss += chunk(h, part, weight: weight, dh: dh, gradient)
        }
        return loss
    }

    private func chunk(
        _ h: FloatView, _ targets: [Target], weight: Float?, dh: FloatView?, _ gradient: FloatRows
    ) -> Double {
        let (vocabulary, width) = (trunk.head.rows, trunk.head.columns)
        let rows = inputs.first(targets.count)
        for (index, target) in targets.enumerated() {
            rows.row(index).update(from: h.row(target.row), count: width)
        }
        let all = logits.first(targets.count)
        let (old, new) = (all.columns(0..<vocabulary), all.columns(vocabulary..<all.columns))
        let newRows = parameters.view(parameters.headRows, rows: parameters.newRows, columns: width)
        products.timesTransposed(rows, trunk.head, into: old)
        if parameters.newRows > 0 { products.timesTransposed(rows, newRows, into: new) }
        var loss = 0.0
        for (index, target) in targets.enumerated() {
            loss +=
                Double(target.weight)
                * crossEntropy(all.row(index), all.columns, target.token, (weight ?? 0) * target.weight)
        }
        guard weight != nil else { return loss }
        if parameters.newRows > 0, parameters.isTrained(parameters.headRows) {
            let place = FloatView(
                base: gradient.base + parameters.headRows, rows: parameters.newRows, columns: width, stride: width)
            products.transposedTimes(new, rows, into: place, accumulates: true)
        }
        guard let dh else { return loss }
        let out = below.first(targets.count)
        products.times(old, trunk.head, into: out)
        if parameters.newRows > 0 { products.times(new, newRows, into: out, accumulates: true) }
        for (index, target) in targets.enumerated() {
            dh.row(target.row).update(from: out.row(index), count: width)
        }
        return loss
    }

    /// Turns a row of logits into w (softmax - 1_target) and gives its loss.
    private func crossEntropy(_ row: UnsafeMutablePointer<Float>, _ count: Int, _ target: Int, _ weight: Float)
        -> Double
    {
        let most = context.maximum(row, count: count)
        let reached = row[target] - most
        for index in 0..<count { row[index] -= most }
        var span = UnsafeMutableBufferPointer(start: row, count: count).mutableSpan
        context.exponentiate(&span)
        let sum = Vectors.sum(row, count: count)
        Vectors.scale(weight / sum, row, count: count)
        row[target] -= weight
        return log(Double(sum)) - Double(reached)
    }
}
