import Gating
import Inference
import Messaging
import Weights

/// A model at work on the compute thread: its engine and, where it is routed, its experts.
final class RunningModel {
    let engine: Engine
    let bank: RoutedExpertBank?
    let wires: ExpertWires?
    /// Of a model whose mixture layers' experts are elsewhere.
    let mixture: MixtureWires?
    /// The set that is to be taken next.
    var staged: StagedSet?
    /// Where the experts of the mixture are to be found next.
    var stagedPlaces: StagedPlaces?
    /// While there is a shadow.
    var rehearsals: Rehearsals?
    private var lastUnreachable: [String]?
    private var hasUnreported = false
    private var reportAtMicroseconds: UInt64 = 0

    /// Between two reports of what rows have chosen.
    static let reportMicroseconds: UInt64 = 2_000_000

    init(_ engine: Engine, bank: RoutedExpertBank? = nil, wires: ExpertWires? = nil, mixture: MixtureWires? = nil) {
        self.engine = engine
        self.bank = bank
        self.wires = wires
        self.mixture = mixture
    }

    /// Somebody has been asked to open a set and has not answered.
    var isSettling: Bool {
        staged != nil || stagedPlaces != nil || wires?.roster.isSettling ?? false || mixture?.roster.isSettling ?? false
    }

    /// Looks after the wires between two steps. Returns the experts that nobody can be asked for, when that has changed.
    func service() -> [String]? {
        let unreachable: [String]
        if let mixture {
            mixture.rows.service()
            if mixture.roster.isSettling { return nil }
            unreachable = mixture.roster.unreachable(of: mixture.rows.set)
        } else {
            guard let wires, let bank else { return nil }
            wires.rows.service()
            if wires.roster.isSettling { return nil }
            unreachable = wires.roster.unreachable(of: bank.set)
        }
        if unreachable == lastUnreachable { return nil }
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

    /// Workers that are gone since the last call.
    func takeLosses() -> [WorkerLoss] { wires?.roster.takeLosses() ?? [] }

    /// How a request is routed.
    func options(_ request: RouteRequest?) -> Gating.RouteOptions { request?.options ?? bank?.defaultRoute ?? .off }

    /// Who has now what a lost worker had, as far as it is in the set.
    func relocations(_ lost: [String: String]) -> [Relocation] {
        lost.sorted { $0.key < $1.key }.compactMap { expert, worker in
            guard let member = bank?.set.experts.first(where: { $0.name == expert }) else { return nil }
            let holder = wires?.roster.holder(of: member)
            return Relocation(
                expert: expert, from: worker, to: holder?.worker ?? "", reloaded: holder?.standsIn ?? false)
        }
    }

    /// What a capacity dropped of a sequence's prompt, ascending by layer.
    func takeDrops(_ sequence: SequenceID) -> [LayerDrops] {
        engine.takeDrops(sequence).sorted { $0.key < $1.key }.map { layer, tally in
            LayerDrops(
                layer: UInt32(clamping: layer), choices: UInt64(tally.choices), byRank: tally.byRank.map { UInt64($0) },
                byPosition: tally.byPosition.map { UInt64($0) })
        }
    }

    /// What a sequence chose and went without.
    func takeMissing(_ sequence: SequenceID) -> [MissingExpert] {
        let missing = bank.map { $0.takeMissing(sequence) } ?? engine.takeMissing(sequence)
        return missing.sorted { $0.key < $1.key }.map { MissingExpert(expert: $0.key, rows: $0.value) }
    }
}

/// How a trunk reaches the experts that are elsewhere.
struct ExpertWires {
    let roster: LinkRoster
    let rows: RemoteExpertRows
}

/// How a trunk reaches the experts of its mixture layers.
struct MixtureWires {
    let roster: LinkRoster
    let rows: RemoteMixtureRows
}
