import Kernels
import Weights

/// W_gate x and W_up x of one feed-forward, and what is made of them.
struct GatedColumns {
    /// [rows, F], with a doubled gate [rows, 2F].
    let gate: Columns
    /// [rows, F]
    let up: Columns
    /// [rows, F], after `activate`: the input of W_down.
    let result: Columns
    /// g2 of a doubled gate; nil without.
    private let second: Columns?
    private let activation: ModelConfiguration.Activation

    init(rowsMax: Int, width: Int, activation: ModelConfiguration.Activation) {
        let buffer = RowBuffer(rowsMax: rowsMax, width: activation.gateWidth(width) + width)
        self.init(buffer, width, activation)
    }

    private init(_ buffer: RowBuffer, _ width: Int, _ activation: ModelConfiguration.Activation) {
        self.activation = activation
        let gateWidth = activation.gateWidth(width)
        gate = buffer.columns(0..<gateWidth)
        up = buffer.columns(gateWidth..<gateWidth + width)
        result = buffer.columns(0..<width)
        second = gateWidth > width ? buffer.columns(width..<gateWidth) : nil
    }

    /// The same memory for a feed-forward of a smaller F.
    func narrowed(to width: Int) -> GatedColumns {
        width == result.width ? self : GatedColumns(result.buffer, width, activation)
    }

    /// result = silu(gate) · up, or (g1 · silu(g2)) · up.
    func activate(rows: Int, _ context: ComputeContext) {
        guard let second else { return context.swiGLU(gate: gate, up: up, rows: rows, into: result) }
        context.swiGLU(gate: second, up: result, rows: rows, into: result)
        for row in 0..<rows {
            result.buffer.withMutableRow(row) { values in
                for column in 0..<result.width { values[result.first + column] *= values[up.first + column] }
            }
        }
    }
}
