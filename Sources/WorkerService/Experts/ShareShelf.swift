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
    /// - Parameter names: as the wire calls them.
    func arrange(_ names: [String]) throws(ArrangementRefusal) {
        guard !names.isEmpty else {
            throw ArrangementRefusal(.invalidParameter, "a worker cannot be left without experts of \(entry.name)")
        }
        let current = hosted
        let checkpoint = try opened()
        defer { checkpoint.releasePages() }
        let wanted = try cells(names, of: checkpoint)
        try checkRoom(for: wanted, in: checkpoint)
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

    private func cells(
        _ names: [String], of checkpoint: Checkpoint
    ) throws(ArrangementRefusal) -> Set<MixtureCell> {
        let all = checkpoint.configuration.mixture?.cells ?? []
        let byName = Dictionary(uniqueKeysWithValues: all.map { (MixtureNames.wire($0, of: entry.name), $0) })
        var cells: Set<MixtureCell> = []
        for name in names {
            guard let cell = byName[name] else {
                throw ArrangementRefusal(.unknownExpert, "\(entry.name) has no expert \(name)")
            }
            cells.insert(cell)
        }
        return cells
    }

    /// By what the experts take as stored, as a placement of the topology is checked.
    private func checkRoom(
        for cells: Set<MixtureCell>, in checkpoint: Checkpoint
    ) throws(ArrangementRefusal) {
        var bytes = 0
        do throws(WeightsError) {
            for layer in Set(cells.map(\.layer)) {
                let experts = try MixtureTensors(checkpoint, layer: layer).experts
                for cell in cells where cell.layer == layer { bytes += experts[cell.expert]?.byteCount ?? 0 }
            }
        } catch { throw unfit(error.description) }
        guard bytes <= share.megabytes << 20 else {
            throw ArrangementRefusal(
                .workerFull,
                "\(cells.count) experts of \(entry.name) take \(bytes >> 10) KiB while they move, and the topology gives this worker "
                    + "megabytes: \(share.megabytes); give it more, or move fewer at once")
        }
    }

    private func unfit(_ what: String) -> ArrangementRefusal {
        ArrangementRefusal(.unfitExpert, "experts of \(entry.name) from \(share.file): \(what)")
    }
}

extension ModelEntry {
    var mode: Inference.ComputeMode { compute == .exact ? .exact : .fast }
}
