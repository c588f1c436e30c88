import Inference
import Messaging

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
