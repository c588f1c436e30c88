import Inference
import Kernels
import Logging

/// Rows s · B (A u) from the workers that hold the experts; those beside the trunk it computes itself meanwhile.
///
/// Workers and the trunk compute a row in one order of accumulation, so where it comes from does not show (P1).
final class RemoteExpertRows: ExpertRowSource {
    private let rounds: RemoteRounds
    private let local: LocalExpertRows
    private let cache: ExpertCache?
    private let log: Logger
    private var input: Columns?
    /// By expert id, as of this step.
    private var cached: [CachedExpert?] = []
    private var elsewhere: [Int] = []

    /// - Parameter cache: beside the trunk, for experts that are hot.
    init(roster: LinkRoster, cache: ExpertCache?, waitsForReloads: Bool, team: ComputeTeam, log: Logger) {
        rounds = RemoteRounds(roster: roster, waitsForReloads: waitsForReloads, log: log)
        self.cache = cache
        local = LocalExpertRows(team: team)
        self.log = log
    }

    func worksElsewhere(for set: ExpertSet) -> Bool { !(cache?.holdsAll(of: set) ?? false) }

    /// Between two steps, and while there is nothing to do: looks after its wires, and lets hot experts come to the trunk.
    func service() {
        rounds.service()
        guard let cache else { return }
        for change in cache.swap() { report(change, cache) }
    }

    private func report(_ change: CacheChange, _ cache: ExpertCache) {
        switch change {
        case .cached(let expert):
            log.info(
                "expert \(expert.name) is hot and comes beside the trunk: \(cache.bytesHeld >> 10) of \(cache.bytesMax >> 10) KiB are used"
            )
        case .evicted(let expert): log.info("expert \(expert.name) leaves the trunk; workers compute it")
        case .refused(let name, let error): log.error("expert \(name) cannot come beside the trunk: \(error)")
        }
    }

    func begin(_ routing: GroupRouting, input: Columns) {
        self.input = input
        cached = cache?.residents(of: routing.set) ?? []
        cache?.note(routing)
        elsewhere.removeAll(keepingCapacity: true)
        for index in routing.pairs.indices where !isHere(index, routing) { elsewhere.append(index) }
        rounds.begin(RowRequest(routing, input: input), pairs: elsewhere)
    }

    func collect(_ routing: GroupRouting, into results: ExpertRows) -> [MissingPair] {
        guard let input else { preconditionFailure("collect without begin") }
        var missing = local.compute(routing, input: input, into: results, cached: cached) { isHere($0, routing) }
        missing += rounds.collect(into: results).map { absent($0, routing) }
        return missing.sorted { $0.pair < $1.pair }
    }

    private func isHere(_ index: Int, _ routing: GroupRouting) -> Bool {
        routing.packed(routing.pairs[index], cached) != nil
    }

    private func absent(_ index: Int, _ routing: GroupRouting) -> MissingPair {
        let pair = routing.pairs[index]
        return MissingPair(
            pair: index,
            message: "no worker has expert \(routing.set.experts[pair.expert].name), chosen at "
                + "\(routing.group.linears[pair.linear].site); see skein status")
    }
}

extension RowRequest {
    fileprivate init(_ routing: GroupRouting, input: Columns) {
        self.init(
            set: routing.set, group: routing.group.index,
            pairs: routing.pairs.map {
                Pair(
                    site: $0.linear, expert: $0.expert, first: $0.first, count: $0.count,
                    outputs: routing.group.linears[$0.linear].base.outputs)
            },
            rows: routing.rows, input: input)
    }
}
