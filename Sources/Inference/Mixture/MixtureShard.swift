import Digest
import Kernels
import Weights

/// Some experts of a checkpoint's mixture layers, packed for a process that has nothing else of the model.
package struct MixtureShard: Sendable {
    package struct Entry: Sendable {
        package let cell: MixtureCell
        /// `MixtureExpert.contentHash`; of one that computes nothing, of no bytes.
        package let hash: SHA256Digest
        /// nil for an expert that computes nothing.
        let matrices: FeedForwardMatrices?

        /// Packed, in memory.
        package var bytes: Int { (matrices?.matrices ?? []).reduce(0) { $0 + $1.bytes } }
    }

    /// Of inputs and outputs.
    package let hidden: Int
    package let width: Int
    package let activation: ModelConfiguration.Activation
    /// Ascending by cell.
    package let entries: [Entry]

    /// Reads, hashes and packs only the slices of `cells`, in parallel on the team.
    /// - Parameter cells: of the checkpoint's mixture layers.
    package static func load(
        _ checkpoint: Checkpoint, _ cells: [MixtureCell], mode: ComputeMode, team: ComputeTeam
    ) throws(ModelError) -> MixtureShard {
        let cells = cells.sorted()
        let experts = try MixtureShard.experts(cells, of: checkpoint)
        let (packed, digests) = try PackingJob.packHashing(
            experts.compactMap(\.self).flatMap { PackingJob.all(of: $0) }, mode: mode, team: team)
        checkpoint.releasePages()
        return MixtureShard(
            hidden: checkpoint.configuration.hiddenSize, width: checkpoint.configuration.mixture?.expertWidth ?? 1,
            activation: checkpoint.configuration.activation,
            entries: cells.indices.map { index in
                func matrix(_ tensor: TensorView) -> PackedMatrix {
                    guard let matrix = packed[tensor.name] else { preconditionFailure("\(tensor.name) was not packed") }
                    return matrix
                }
                return Entry(
                    cell: cells[index],
                    hash: experts[index].map { $0.contentHash($0.tensors.compactMap { digests[$0.name] }) }
                        ?? SHA256Digest(of: []),
                    matrices: experts[index].map {
                        FeedForwardMatrices(gate: matrix($0.gate), up: matrix($0.up), down: matrix($0.down))
                    })
            })
    }

    /// Some of this one's experts and all of another's, of the same checkpoint's layers.
    package func keeping(_ cells: Set<MixtureCell>, and other: MixtureShard) -> MixtureShard {
        precondition(hidden == other.hidden && activation == other.activation, "shards of two models")
        let kept = entries.filter { cells.contains($0.cell) }
        return MixtureShard(
            hidden: hidden, width: width, activation: activation,
            entries: (kept + other.entries).sorted { $0.cell < $1.cell })
    }

    /// What a trunk asks for of those who hold the experts: what `load` makes of their slices, ascending by cell.
    ///
    /// - Parameter digests: of the slices that `slices` gives, in its order.
    package static func hashes(
        _ cells: [MixtureCell], of checkpoint: Checkpoint, digests: [SHA256Digest]
    ) throws(ModelError) -> [SHA256Digest] {
        var rest = digests[...]
        return try experts(cells.sorted(), of: checkpoint).map { expert in
            guard let expert else { return SHA256Digest(of: []) }
            defer { rest = rest.dropFirst(expert.tensors.count) }
            return expert.contentHash(Array(rest.prefix(expert.tensors.count)))
        }
    }

    /// Where the matrices of the cells stand, ascending by cell.
    package static func slices(
        _ cells: [MixtureCell], of checkpoint: Checkpoint
    ) throws(ModelError) -> [FileSlice] {
        try experts(cells.sorted(), of: checkpoint).flatMap { $0?.tensors.map(\.slice) ?? [] }
    }

    private static func experts(
        _ cells: [MixtureCell], of checkpoint: Checkpoint
    ) throws(ModelError) -> [MixtureExpert?] {
        var layers: [Int: [MixtureExpert?]] = [:]
        do throws(WeightsError) {
            for layer in Set(cells.map(\.layer)).sorted() {
                layers[layer] = try MixtureTensors(checkpoint, layer: layer).experts
            }
        } catch { throw .weights(error) }
        return cells.map { layers[$0.layer]?[$0.expert] ?? nil }
    }
}

/// Computes rows FFN_e(x) of a shard: the bits that the trunk would have computed (P1). Owned by one thread.
package final class MixtureShardComputation {
    private let context: ComputeContext
    /// [rows, hidden], as large as the largest dispatch so far.
    private var gathered: RowBuffer?
    private var outputs: RowBuffer?
    private var gated: GatedColumns?
    private var shape: (width: Int, activation: ModelConfiguration.Activation)?

    package init(team: ComputeTeam) { context = ComputeContext(team: team) }

    /// - Parameters:
    ///   - input: [rows, hidden].
    ///   - rows: of `input`, those that the expert gets.
    ///   - take: called with each result, [hidden], by its place in `rows`.
    package func compute(
        _ entry: MixtureShard.Entry, of shard: MixtureShard, input: Columns, rows: [UInt32],
        take: (Int, Span<Float>) -> Void
    ) {
        guard !rows.isEmpty else { return }
        let (gathered, outputs, gated) = buffers(rows.count, shard)
        for (place, row) in rows.enumerated() { gathered.copyRow(place, from: input.buffer, row: Int(row)) }
        guard let matrices = entry.matrices else {
            preconditionFailure("\(entry.cell) computes nothing, and nobody asks for it")
        }
        matrices.multiply(gathered.columns, rows: rows.count, gated, into: outputs.columns, context)
        for place in rows.indices { outputs.withRow(place) { take(place, $0) } }
    }

    private func buffers(_ rows: Int, _ shard: MixtureShard) -> (RowBuffer, RowBuffer, GatedColumns) {
        if let gathered, let outputs, let gated, let shape, gathered.rowsMax >= rows, gathered.width == shard.hidden,
            shape.width == shard.width, shape.activation == shard.activation
        {
            return (gathered, outputs, gated)
        }
        let rowsMax = max(16, rows)
        let made = (
            RowBuffer(rowsMax: rowsMax, width: shard.hidden), RowBuffer(rowsMax: rowsMax, width: shard.hidden),
            GatedColumns(rowsMax: rowsMax, width: shard.width, activation: shard.activation)
        )
        (gathered, outputs, gated) = made
        shape = (shard.width, shard.activation)
        return made
    }
}
