import Kernels
import Weights

/// What flows between blocks, for some set of rows.
struct ResidualBuffers {
    /// The residual stream, [rows, hidden].
    let hidden: RowBuffer
    /// What attention gave, [rows, heads · d].
    let attended: RowBuffer
}

/// The activations of one batch. Products that share an input share a buffer, each in its columns.
struct ForwardBuffers {
    /// For all rows of the batch.
    let all: ResidualBuffers
    /// For the rows whose logits are wanted: after the last attention only they go on.
    let wanted: ResidualBuffers
    /// [rows, hidden]
    let normed: RowBuffer
    /// [rows, heads · d], [rows, key-value heads · d] twice; queries and keys lie side by side, so one call rotates both.
    let queries: Columns
    let keys: Columns
    let values: Columns
    let queriesAndKeys: Columns
    /// Of dense feed-forwards.
    let gated: GatedColumns
    let attentionScale: Float

    init(_ configuration: ModelConfiguration, rowsMax: Int, wantedMax: Int) {
        let queryWidth = configuration.headCount * configuration.headDimension
        let keyWidth = configuration.keyValueHeadCount * configuration.headDimension
        func residual(_ rows: Int) -> ResidualBuffers {
            ResidualBuffers(
                hidden: RowBuffer(rowsMax: rows, width: configuration.hiddenSize),
                attended: RowBuffer(rowsMax: rows, width: queryWidth))
        }
        all = residual(rowsMax)
        wanted = residual(wantedMax)
        normed = RowBuffer(rowsMax: max(rowsMax, wantedMax), width: configuration.hiddenSize)
        let projected = RowBuffer(rowsMax: rowsMax, width: queryWidth + 2 * keyWidth)
        queries = projected.columns(0..<queryWidth)
        keys = projected.columns(queryWidth..<queryWidth + keyWidth)
        values = projected.columns(queryWidth + keyWidth..<queryWidth + 2 * keyWidth)
        queriesAndKeys = projected.columns(0..<queryWidth + keyWidth)
        gated = GatedColumns(
            rowsMax: max(rowsMax, wantedMax), width: configuration.intermediateSize,
            activation: configuration.activation)
        attentionScale = configuration.attentionScale
    }
}

extension RowBuffer {
    /// One row.
    convenience init(copying values: [Float]) {
        self.init(rowsMax: 1, width: values.count)
        withMutableRow(0) { row in
            for index in values.indices { row[index] = values[index] }
        }
    }
}

extension RotaryTable {
    /// cos and sin as [positions, d/2] operands.
    func buffers() -> (cosines: RowBuffer, sines: RowBuffer) {
        (Self.rows(cosines, width: half), Self.rows(sines, width: half))
    }

    private static func rows(_ values: [Float], width: Int) -> RowBuffer {
        let buffer = RowBuffer(rowsMax: values.count / width, width: width)
        for row in 0..<buffer.rowsMax {
            buffer.withMutableRow(row) { span in
                for index in 0..<width { span[index] = values[row * width + index] }
            }
        }
        return buffer
    }
}
