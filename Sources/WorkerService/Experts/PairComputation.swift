import Kernels
import Messaging

/// Computes what a dispatch asks for: rows s · B (A u), one for each (selection, row), in the dispatch's order.
///
/// The kernels have one accumulation order for each output element, so the bits are those that the trunk would have computed (P1).
final class PairComputation {
    /// Floats of one answer: what a tensor may hold.
    static let floatsMax = WireLimits.tensorBytesMax / 4

    private let context: ComputeContext
    private let arena = RowArena()
    /// By width; grow to the largest dispatch.
    private var inputs: [Int: RowBuffer] = [:]
    private var works: [PairWork] = []
    private var rowIndices: [Int32] = []

    init(team: ComputeTeam) { context = ComputeContext(team: team) }

    func combine(_ dispatch: Dispatch, _ tensors: [Tensor], in set: OpenedSet) throws(DataRefusal) -> Tensor {
        let group = try set.group(dispatch.group)
        let input = try input(tensors, width: Int(group.inputs))
        try layOut(dispatch, in: set, group, rows: input.rows)
        context.multiply(input.buffer.columns, rowIndices: rowIndices, by: works, into: arena)
        return arena.withBlock(at: 0, floats: arena.used) { computed in
            let source = computed.span
            return Tensor(shape: [source.count]) { floats in
                floats.copy(source, to: 0)
            }
        }
    }

    private func layOut(
        _ dispatch: Dispatch, in set: OpenedSet, _ group: SiteGroupShape, rows: Int
    ) throws(DataRefusal) {
        arena.removeAll()
        works.removeAll(keepingCapacity: true)
        rowIndices.removeAll(keepingCapacity: true)
        for selection in dispatch.selections {
            let pair = try set.pair(selection, in: group)
            let count = selection.rows.count
            guard arena.used + count * pair.outputs <= Self.floatsMax else {
                throw DataRefusal(
                    .oversize, "the answer would have more than \(Self.floatsMax) floats; ask for fewer rows")
            }
            let first = rowIndices.count
            for row in selection.rows {
                guard row < rows else { throw DataRefusal(.malformed, "row \(row) of \(rows)") }
                rowIndices.append(Int32(row))
            }
            works.append(
                PairWork(pair, first: first, count: count, start: arena.append(floats: count * pair.outputs)))
        }
    }

    /// The dispatch's rows, where the kernels can read them.
    private func input(_ tensors: [Tensor], width: Int) throws(DataRefusal) -> (buffer: RowBuffer, rows: Int) {
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
