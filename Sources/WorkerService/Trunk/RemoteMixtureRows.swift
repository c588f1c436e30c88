import Inference
import Kernels
import Logging

/// Rows FFN_e(x) from the workers that hold the experts of mixture layers. Workers compute a row as the trunk would (P1).
final class RemoteMixtureRows: MixtureRowSource {
    let set: MixtureSet
    private let rounds: RemoteRounds
    private let log: Logger
    private var everything: [Int] = []

    init(_ set: MixtureSet, roster: LinkRoster, log: Logger) {
        self.set = set
        self.log = log
        rounds = RemoteRounds(roster: roster, log: log)
    }

    /// Between two steps, and while there is nothing to do.
    func service() { rounds.service() }

    /// Experts have moved, and all can be asked for where they are to be.
    func noteMoved() {
        log.info(
            "all experts are where they are to be; of \(rounds.delays.rounds) rounds so far \(rounds.delays.delayed) had to wait for one"
        )
    }

    func begin(_ routing: MixtureRouting, input: Columns) {
        everything.removeAll(keepingCapacity: true)
        everything += routing.groups.indices
        rounds.begin(RowRequest(routing, of: set, input: input), pairs: everything)
    }

    func collect(_ routing: MixtureRouting, into results: RowBuffer) -> [MissingGroup] {
        rounds.collect(into: MixtureSink(groups: routing.groups, hidden: set.hidden, results: results)).map { group in
            let cell = MixtureCell(layer: routing.layer, expert: routing.groups[group].expert)
            return MissingGroup(group: group, message: "no worker has \(cell); see skein status")
        }
    }
}

/// Lays answers where the trunk adds them up from.
private struct MixtureSink: RowSink {
    let groups: [MixtureRouting.Group]
    let hidden: Int
    /// [items, hidden]
    let results: RowBuffer

    func write(_ block: Span<Float>, ofPair pair: Int) {
        for row in 0..<groups[pair].count {
            results.withMutableRow(groups[pair].first + row) {
                $0.copy(block.extracting(row * hidden..<(row + 1) * hidden), to: 0)
            }
        }
    }
}

extension RowRequest {
    fileprivate init(_ routing: MixtureRouting, of set: MixtureSet, input: Columns) {
        guard let place = set.places[routing.layer] else {
            preconditionFailure("layer \(routing.layer) has no experts")
        }
        self.init(
            set: set, group: place,
            pairs: routing.groups.map {
                Pair(
                    site: 0, expert: set.id($0.expert, ofLayer: routing.layer), first: $0.first, count: $0.count,
                    outputs: set.hidden)
            },
            rows: routing.rows, input: input)
    }
}
