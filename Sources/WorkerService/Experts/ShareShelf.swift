import Inference
import Kernels
import Messaging
import Synchronization
import Topology
import Weights

/// A worker's share of a mixture, which changes while it runs: the arranging thread loads what is new aside and puts the next share up, the
/// experts' thread looks when a trunk opens a set. Sets that are open keep what they were opened with.
final class ShareShelf: Sendable {
    private let state: Mutex<HostedShare>
    private let share: WorkerShare
    private let entry: ModelEntry

    init(_ hosted: HostedShare, _ share: WorkerShare, _ entry: ModelEntry) {
        state = Mutex(hosted)
        self.share = share
        self.entry = entry
    }

    var hosted: HostedShare { state.withLock { $0 } }

    /// Holds these experts and no others. Everything is read before anything changes.
    ///
    /// - Parameters:
    ///   - names: as the wire calls them.
    ///   - finally: what it is to hold when the change has ended: the same, unless experts are on their way. These must fit into its
    ///     megabytes; on the way it may hold an eighth more, at least one expert, so that full workers can swap.
    func arrange(_ names: [String], finally: [String]) throws(ArrangementRefusal) {
        guard !names.isEmpty else {
            throw ArrangementRefusal(.invalidParameter, "a worker cannot be left without experts of \(entry.name)")
        }
        let current = hosted
        let checkpoint = try opened()
        let sizes = try ExpertSizes(checkpoint, entry.name) { unfit($0.description) }
        let wanted = try sizes.cells(names)
        let bytesMax = share.megabytes << 20
        let (bytes, bytesFinally) = (sizes.bytes(of: wanted), sizes.bytes(of: try sizes.cells(finally)))
        guard bytesFinally <= bytesMax else {
            throw ArrangementRefusal(
                .workerFull,
                "\(finally.count) experts of \(entry.name) take \(bytesFinally >> 10) KiB, and the topology gives this worker "
                    + "megabytes: \(share.megabytes); give it more, or place fewer there")
        }
        guard bytes <= bytesMax + max(bytesMax / 8, sizes.largest) else {
            throw ArrangementRefusal(
                .busy,
                "\(names.count) experts of \(entry.name) take \(bytes >> 10) KiB while they move; this worker has megabytes: "
                    + "\(share.megabytes) and an eighth more; move fewer at once")
        }
        let new = wanted.subtracting(current.shard.entries.map(\.cell)).sorted()
        let loaded: MixtureShard
        // A team of its own: packing must not hold up a dispatch.
        do throws(ModelError) {
            loaded = try MixtureShard.load(checkpoint, new, mode: entry.mode, team: ComputeTeam(threads: 1))
        } catch { throw unfit(error.description) }
        state.withLock { $0 = current.keeping(wanted, and: loaded) }
    }

    private func opened() throws(ArrangementRefusal) -> Checkpoint {
        do throws(WeightsError) { return try Checkpoint.open(share.file) } catch { throw unfit(error.description) }
    }

    private func unfit(_ what: String) -> ArrangementRefusal {
        ArrangementRefusal(.unfitExpert, "experts of \(entry.name) from \(share.file): \(what)")
    }
}

/// What the experts of a model take as stored, by which a placement of the topology is checked too.
private struct ExpertSizes {
    private let model: String
    private let cells: [String: MixtureCell]
    private let bytes: [MixtureCell: Int]

    init(
        _ checkpoint: Checkpoint, _ model: String, _ unfit: (WeightsError) -> ArrangementRefusal
    ) throws(ArrangementRefusal) {
        var bytes: [MixtureCell: Int] = [:]
        do throws(WeightsError) {
            for layer in checkpoint.configuration.mixture?.layers ?? [] {
                for (index, expert) in try MixtureTensors(checkpoint, layer: layer).experts.enumerated() {
                    bytes[MixtureCell(layer: layer, expert: index)] = expert?.byteCount ?? 0
                }
            }
        } catch { throw unfit(error) }
        self.model = model
        self.bytes = bytes
        cells = Dictionary(uniqueKeysWithValues: bytes.keys.map { (MixtureNames.wire($0, of: model), $0) })
    }

    var largest: Int { bytes.values.max() ?? 0 }

    func bytes(of cells: Set<MixtureCell>) -> Int { cells.reduce(0) { $0 + (bytes[$1] ?? 0) } }

    /// - Parameter names: as the wire calls them.
    func cells(_ names: [String]) throws(ArrangementRefusal) -> Set<MixtureCell> {
        Set(
            try names.map { name throws(ArrangementRefusal) in
                guard let cell = cells[name] else {
                    throw ArrangementRefusal(.unknownExpert, "\(model) has no expert \(name)")
                }
                return cell
            })
    }
}

extension ModelEntry {
    var mode: Inference.ComputeMode { compute == .exact ? .exact : .fast }
}
