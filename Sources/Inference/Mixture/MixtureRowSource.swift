import Kernels
import Weights

/// Where rows FFN_e(x) of the experts of mixture layers come from: this process, or workers. Rows in, rows out.
///
/// The trunk chooses experts, weighs and adds, in ascending expert id; a source never sees a weight and never sums, and what it gives
/// for a row depends on that row alone (P1). Everything happens on the engine's thread.
package protocol MixtureRowSource: AnyObject {
    /// Starts on the routing's items, rows of `input`, [rows, hidden], which stay as they are until `collect`.
    func begin(_ routing: MixtureRouting, input: Columns)

    /// Writes item i of the routing, that of the last `begin`, to row i of `results`, [items, hidden]. Returns the groups that it has
    /// no rows for.
    func collect(_ routing: MixtureRouting, into results: RowBuffer) -> [MissingGroup]
}

/// An expert of a routing that nobody answered for.
package struct MissingGroup: Sendable, Equatable {
    /// Index into `MixtureRouting.groups`.
    package let group: Int
    /// Which expert, where it was, why, and what to do.
    package let message: String

    package init(group: Int, message: String) {
        self.group = group
        self.message = message
    }
}

/// Computes rows here, with the experts that the model has packed.
package final class LocalMixtureRows: MixtureRowSource {
    private let context: ComputeContext
    /// By transformer layer; nil for dense ones.
    private let layers: [MixtureLayer?]
    /// [rowsMax, hidden]: the rows of some experts, side by side.
    private let gathered: RowBuffer
    /// [rowsMax, hidden]
    private let outputs: RowBuffer
    private let gated: GatedColumns
    private let rowsMax: Int
    private var input: Columns?

    package init(model: LanguageModel, team: ComputeTeam, instructionSet: InstructionSet = .best, rowsMax: Int) {
        context = ComputeContext(team: team, instructionSet: instructionSet)
        layers = model.layers.map(\.mixture)
        self.rowsMax = rowsMax
        let hidden = model.configuration.hiddenSize
        gathered = RowBuffer(rowsMax: rowsMax, width: hidden)
        outputs = RowBuffer(rowsMax: rowsMax, width: hidden)
        gated = GatedColumns(
            rowsMax: rowsMax, width: model.configuration.mixture?.expertWidth ?? 1,
            activation: model.configuration.activation)
    }

    package func begin(_ routing: MixtureRouting, input: Columns) { self.input = input }

    package func collect(_ routing: MixtureRouting, into results: RowBuffer) -> [MissingGroup] {
        guard let input else { preconditionFailure("collect without begin") }
        guard let layer = layers[routing.layer] else { preconditionFailure("layer \(routing.layer) has no experts") }
        var groups = routing.groups[...]
        while !groups.isEmpty {
            let some = groups.prefix(slabCount(groups, of: layer))
            compute(some, of: layer, routing, input, into: results)
            groups = groups.dropFirst(some.count)
        }
        return []
    }

    /// How many of the first groups are computed together: as many of one width as there is memory for.
    private func slabCount(_ groups: ArraySlice<MixtureRouting.Group>, of layer: MixtureLayer) -> Int {
        func width(_ group: MixtureRouting.Group) -> Int? { layer.experts[group.expert]?.down.inputs }
        let first = groups.first.flatMap(width)
        var rows = 0
        let fitting = groups.prefix { group in
            rows += group.count
            return rows <= rowsMax && width(group) == first
        }
        return min(fitting.count, ComputeContext.groupsMax / 2)
    }

    /// Experts side by side: threads wait for one another three times, not three times for each.
    private func compute(
        _ groups: ArraySlice<MixtureRouting.Group>, of layer: MixtureLayer, _ routing: MixtureRouting, _ input: Columns,
        into results: RowBuffer
    ) {
        guard let first = groups.first?.first else { preconditionFailure("a group is larger than a batch") }
        let experts = groups.map { group in
            guard let expert = layer.experts[group.expert] else {
                preconditionFailure("expert \(group.expert) of layer \(routing.layer) is not in this process")
            }
            return (matrices: expert, rows: group.first - first..<group.first - first + group.count)
        }
        let rows = experts.last?.rows.upperBound ?? 0
        // The input itself where one expert gets every row.
        let isWhole = experts.count == 1 && rows == routing.batchRows
        if !isWhole {
            for item in 0..<rows {
                gathered.copyRow(item, from: input.buffer, row: Int(routing.rows[first + item]))
            }
        }
        experts.multiply(isWhole ? input : gathered.columns, rows: rows, gated, into: outputs.columns, context)
        for item in 0..<rows { results.copyRow(first + item, from: outputs, row: item) }
    }
}

extension [(matrices: FeedForwardMatrices, rows: Range<Int>)] {
    /// output = W_down (silu(W_gate x) · W_up x), each expert's with its own rows of x and of the output; all of one F.
    fileprivate func multiply(
        _ x: Columns, rows: Int, _ gated: GatedColumns, into output: Columns, _ context: ComputeContext
    ) {
        guard let width = first?.matrices.down.inputs else { return }
        let gated = gated.narrowed(to: width)
        context.multiply(
            x, rows: rows,
            byGroups: flatMap { expert, rows in
                [(Product(expert.gate, into: gated.gate), rows), (Product(expert.up, into: gated.up), rows)]
            })
        gated.activate(rows: rows, context)
        context.multiply(
            gated.result, rows: rows, byGroups: map { (Product($0.matrices.down, into: output), $0.rows) })
    }
}

extension FeedForwardMatrices {
    /// output = W_down (silu(W_gate x) · W_up x).
    func multiply(
        _ x: Columns, rows: Int, _ gated: GatedColumns, into output: Columns, _ context: ComputeContext
    ) {
        let gated = gated.narrowed(to: down.inputs)
        context.multiply(
            x, rows: rows, by: [Product(gate, into: gated.gate), Product(up, into: gated.up)])
        gated.activate(rows: rows, context)
        context.multiply(gated.result, rows: rows, by: down, into: output)
    }
}
