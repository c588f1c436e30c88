import Inference
import Messaging
import Threading

/// A set that waits to be taken: until everybody who is to compute for it has opened it.
struct StagedSet {
    let request: UInt64
    let set: ExpertSet
    let deadlineMicroseconds: UInt64

    /// A worker that has said that it holds an expert opens a set in milliseconds.
    private static let patienceMicroseconds: UInt64 = 5_000_000
    /// At registration workers may still be loading.
    private static let patienceAtFirstMicroseconds: UInt64 = 60_000_000

    init(request: UInt64, set: ExpertSet) {
        self.request = request
        self.set = set
        deadlineMicroseconds =
            MonotonicClock.nowMicroseconds
            + (request == 0 ? Self.patienceAtFirstMicroseconds : Self.patienceMicroseconds)
    }

    var isOverdue: Bool { MonotonicClock.nowMicroseconds >= deadlineMicroseconds }
}

extension RunningModel {
    /// Between two steps: the set that sequences are to begin with.
    ///
    /// - Returns: what to tell the router, where that is clear at once.
    func stage(_ set: ExpertSet, request: UInt64) -> ExpertsArranged? {
        guard let bank else {
            return ExpertsArranged(request: request, kind: .unfitExpert, message: "the model has no experts")
        }
        staged = nil
        if set.version == bank.set.version { return ExpertsArranged(request: request) }
        // What a running sequence has is the same set, opened already.
        let set = bank.liveSets.first { $0.version == set.version } ?? set
        guard bank.hasRoom(for: set) else { return Self.busy(request) }
        guard let wires else {
            guard set.experts.allSatisfy(\.isResident) else {
                return ExpertsArranged(
                    request: request, kind: .noWorker,
                    message: "all experts of this model are pinned beside its trunk, which has no wires to workers")
            }
            return take(StagedSet(request: request, set: set))
        }
        wires.roster.keep(bank.liveSets)
        _ = wires.roster.number(of: set)
        staged = StagedSet(request: request, set: set)
        return settle()
    }

    /// Takes the staged set if everybody is ready for it.
    func settle() -> ExpertsArranged? {
        guard let staged, let wires else { return nil }
        let unreachable = wires.roster.unreachable(of: staged.set)
        if unreachable.isEmpty {
            self.staged = nil
            return take(staged)
        }
        guard staged.isOverdue else { return nil }
        self.staged = nil
        bank.map { wires.roster.keep($0.liveSets) }
        return ExpertsArranged(
            request: staged.request, kind: .unknownExpert,
            message:
                "no worker that says it has \(unreachable.joined(separator: ", ")) opens a set with it; its log says why"
        )
    }

    private func take(_ staged: StagedSet) -> ExpertsArranged {
        do throws(RouteRefusal) {
            try bank?.publish(staged.set)
            return ExpertsArranged(request: staged.request)
        } catch {
            bank.map { wires?.roster.keep($0.liveSets) }
            return Self.busy(staged.request)
        }
    }

    private static func busy(_ request: UInt64) -> ExpertsArranged {
        ExpertsArranged(
            request: request, kind: .busy,
            message:
                "\(RoutedExpertBank.liveVersionsMax) versions of the experts are in use by running requests; try again when some "
                + "have ended")
    }
}
