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
    private let received = DispatchRows()
    private var works: [PairWork] = []
    private var rowIndices: [Int32] = []

    init(team: ComputeTeam) { context = ComputeContext(team: team) }

    func combine(_ dispatch: Dispatch, _ tensors: [Tensor], in set: OpenedSet) throws(DataRefusal) -> Tensor {
        let group = try set.group(dispatch.group)
        let input = try received.take(tensors, width: Int(group.inputs))
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
}
