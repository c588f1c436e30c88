import Inference
import Messaging
import Weights

/// A model at work on the compute thread: its engine and, where it is routed, its experts.
final class RunningModel {
    let engine: Engine
    let bank: RoutedExpertBank?
    let wires: ExpertWires?
    /// The set that is to be taken next.
    var staged: StagedSet?
    /// While there is a shadow.
    var rehearsals: Rehearsals?
    private var lastUnreachable: [String]?
    private var hasUnreported = false
    private var reportAtMicroseconds: UInt64 = 0

    /// Between two reports of what rows have chosen.
    static let reportMicroseconds: UInt64 = 2_000_000

    init(_ engine: Engine, bank: RoutedExpertBank? = nil, wires: ExpertWires? = nil) {
        self.engine = engine
        self.bank = bank
        self.wires = wires
    }

    /// Somebody has been asked to open a set and has not answered.
    var isSettling: Bool { staged != nil || wires?.roster.isSettling ?? false }

    /// Looks after the wires between two steps. Returns the experts that nobody can be asked for, when that has changed.
    func service() -> [String]? {
        guard let wires, let bank else { return nil }
        wires.rows.service()
        let unreachable = wires.roster.unreachable(of: bank.set)
        if unreachable == lastUnreachable || wires.roster.isSettling { return nil }
        lastUnreachable = unreachable
        return unreachable
    }

    /// For a sequence that is to tell how its tokens find their experts.
    func routedTally(_ request: RouteRequest?) -> RoutedTokensTally? {
        guard let bank, let request else { return nil }
        return RoutedTokensTally(bank.set, route: RouteOptions(request.options))
    }

    func takeTrace(_ sequence: SequenceID) -> [TracedChoice] { bank?.takeTrace(sequence) ?? [] }

    func noteStep() { hasUnreported = bank != nil || engine.model.configuration.mixture != nil }

    /// What rows have chosen since the last report, when one is due: every `reportMicroseconds`, and when the work ends.
    func takeReports(model: String, nowMicroseconds: UInt64) -> [RoutingReport] {
        guard hasUnreported, nowMicroseconds >= reportAtMicroseconds || !engine.hasWork else { return [] }
        hasUnreported = false
        reportAtMicroseconds = nowMicroseconds + Self.reportMicroseconds
        // Routed experts and mixture layers in one model would be two sets of experts: those that requests can choose are told.
        if let bank { return RoutingReport.reports(of: bank.takeStatistics(), bank.set, model: model, engine.model) }
        return engine.takeMixtureCounts().map { RoutingReport.reports(of: $0, model: model) } ?? []
    }

    /// What a sequence chose and went without.
    func takeMissing(_ sequence: SequenceID) -> [MissingExpert] {
        guard let missing = bank?.takeMissing(sequence) else { return [] }
        return missing.sorted { $0.key < $1.key }.map { MissingExpert(expert: $0.key, rows: $0.value) }
    }
}

/// How a trunk reaches the experts that are elsewhere.
struct ExpertWires {
    let roster: LinkRoster
    let rows: RemoteExpertRows
}
