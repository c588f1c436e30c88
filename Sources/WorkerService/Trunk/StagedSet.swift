import Inference
import Messaging
import Threading

/// A set that waits to be taken: until everybody who is to compute for it has opened it.
struct StagedSet {
    let request: UInt64
    let set: ExpertSet
    let candidate: TrunkSets.Candidate?
    let deadlineMicroseconds: UInt64

    /// A worker that has said that it holds an expert opens a set in milliseconds.
    private static let patienceMicroseconds: UInt64 = 5_000_000
    /// At registration workers may still be loading.
    private static let patienceAtFirstMicroseconds: UInt64 = 60_000_000

    init(request: UInt64, set: ExpertSet, candidate: TrunkSets.Candidate?) {
        self.candidate = candidate
        self.request = request
        self.set = set
        deadlineMicroseconds =
            MonotonicClock.nowMicroseconds
            + (request == 0 ? Self.patienceAtFirstMicroseconds : Self.patienceMicroseconds)
    }

    var all: [ExpertSet] { [set] + (candidate.map { [$0.set] } ?? []) }
    var isOverdue: Bool { MonotonicClock.nowMicroseconds >= deadlineMicroseconds }
}

extension RunningModel {
    /// Between two steps: the set that sequences are to begin with.
    ///
    /// - Returns: what to tell the router, where that is clear at once.
    func stage(_ sets: TrunkSets, request: UInt64) -> ExpertsArranged? {
        guard let bank else {
            return ExpertsArranged(request: request, kind: .unfitExpert, message: "the model has no experts")
        }
        // What a running sequence has is the same set, opened already.
        func known(_ set: ExpertSet) -> ExpertSet { bank.liveSets.first { $0.version == set.version } ?? set }
        let next = StagedSet(
            request: request, set: known(sets.set),
            candidate: sets.candidate.map { TrunkSets.Candidate(set: known($0.set), expert: $0.expert) })
        staged = nil
        guard bank.hasRoom(for: next.set) else { return Self.busy(request) }
        guard let wires else {
            guard next.all.allSatisfy({ $0.experts.allSatisfy(\.isResident) }) else {
                return ExpertsArranged(
                    request: request, kind: .noWorker,
                    message: "all experts of this model are pinned beside its trunk, which has no wires to workers")
            }
            return take(next)
        }
        if next.set === bank.set, next.candidate == nil { return take(next) }
        wires.roster.keep(bank.liveSets)
        for set in next.all { _ = wires.roster.number(of: set) }
        staged = next
        return settle()
    }

    /// Takes the staged set if everybody is ready for it.
    func settle() -> ExpertsArranged? {
        guard let staged, let wires else { return nil }
        let unreachable = Set(staged.all.flatMap { wires.roster.unreachable(of: $0) }).sorted()
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
            bank?.candidate = staged.candidate?.set
            rehearse(staged.candidate)
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
