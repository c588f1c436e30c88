import Kernels
import Messaging

/// The rows that dispatches bring, where the kernels can read them. Lives on the experts' thread.
final class DispatchRows {
    /// By width; grow to the largest dispatch.
    private var inputs: [Int: RowBuffer] = [:]

    /// The dispatch's rows, where the kernels can read them.
    func take(_ tensors: [Tensor], width: Int) throws(DataRefusal) -> (buffer: RowBuffer, rows: Int) {
        guard let tensor = tensors.first, tensors.count == 1 else {
            throw DataRefusal(.truncatedTensor, "a dispatch comes with its rows in one tensor, not \(tensors.count)")
        }
        guard tensor.shape.count == 2, tensor.shape[1] == width else {
            throw DataRefusal(.malformed, "rows of shape \(tensor.shape); this group's are [rows, \(width)]")
        }
        let rows = tensor.shape[0]
        guard (1...WireLimits.dispatchRowsMax).contains(rows) else {
            throw DataRefusal(.oversize, "\(rows) rows; give 1 to \(WireLimits.dispatchRowsMax)")
        }
        let buffer = buffer(rows: rows, width: width)
        do throws(WireError) {
            try tensor.withFloats { floats throws(WireError) in
                for row in 0..<rows {
                    buffer.withMutableRow(row) { target in
                        target.copy(floats.extracting(row * width..<(row + 1) * width), to: 0)
                    }
                }
            }
        } catch { throw DataRefusal(error) }
        return (buffer, rows)
    }

    private func buffer(rows: Int, width: Int) -> RowBuffer {
        if let buffer = inputs[width], buffer.rowsMax >= rows { return buffer }
        // Widths come from the trunk; more than a model has would only be a way to use up memory.
        if inputs.count >= 16 { inputs.removeAll() }
        let buffer = RowBuffer(rowsMax: max(rows, 2 * (inputs[width]?.rowsMax ?? 8)), width: width)
        inputs[width] = buffer
        return buffer
    }
}
