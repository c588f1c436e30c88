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
    /// [rowsMax, hidden]: an expert's rows side by side.
    private let gathered: RowBuffer
    /// [rowsMax, hidden]
    private let outputs: RowBuffer
    private let gated: GatedColumns
    private var input: Columns?

    package init(model: LanguageModel, team: ComputeTeam, instructionSet: InstructionSet = .best, rowsMax: Int) {
        context = ComputeContext(team: team, instructionSet: instructionSet)
        layers = model.layers.map(\.mixture)
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
        for group in routing.groups {
            guard let expert = layer.experts[group.expert] else {
                preconditionFailure("expert \(group.expert) of layer \(routing.layer) is not in this process")
            }
            let rows = gather(routing, group, input)
            expert.multiply(rows, rows: group.count, gated, into: outputs.columns, context)
            for item in 0..<group.count { results.copyRow(group.first + item, from: outputs, row: item) }
        }
        return []
    }

    /// The input itself where the expert gets every row.
    private func gather(_ routing: MixtureRouting, _ group: MixtureRouting.Group, _ input: Columns) -> Columns {
        if group.count == routing.batchRows { return input }
        for item in 0..<group.count {
            gathered.copyRow(item, from: input.buffer, row: Int(routing.rows[group.first + item]))
        }
        return gathered.columns
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
