import Gating
import Kernels

/// What the decisions of a step at one site group are made from: G u by kind of gate, and the moments of u.
final class GateProducts {
    private let rowsMax: Int
    /// G u by kind, [rows, linears · N]; the last group's.
    private var dots: [GateKind: RowBuffer] = [:]
    /// (mean, variance, |u|) of each row.
    private let moments: RowBuffer

    init(rowsMax: Int) {
        self.rowsMax = rowsMax
        moments = RowBuffer(rowsMax: rowsMax, width: 3)
    }

    /// What is to be multiplied before a step decides with one of its sets: all its rows, on raw u.
    func products(_ version: Int, _ rows: StepRows, _ group: SiteGroup) -> [GateProduct] {
        guard let experts = rows.versions[version].groups[group.index] else { return [] }
        var products: [GateProduct] = []
        for kind in rows.kinds[version] {
            guard let gates = experts.gates[kind] else { continue }
            let output = buffer(kind, width: gates.packed.count).columns(0..<gates.packed.count)
            products.append(GateProduct(gates.packed, into: output, moments: products.isEmpty ? moments : nil))
        }
        return products
    }

    private func buffer(_ kind: GateKind, width: Int) -> RowBuffer {
        if let buffer = dots[kind], buffer.width >= width { return buffer }
        let buffer = RowBuffer(rowsMax: rowsMax, width: width)
        dots[kind] = buffer
        return buffer
    }

    /// nil: no gates of this kind were multiplied.
    func dots(_ kind: GateKind) -> RowBuffer? { dots[kind] }

    func moments(_ row: Int, width: Int) -> InputMoments {
        moments.withRow(row) { InputMoments(mean: $0[0], variance: $0[1], norm: $0[2], width: width) }
    }
}
