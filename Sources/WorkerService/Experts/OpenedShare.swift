import Digest
import Inference
import Kernels
import Messaging

/// A trunk's set of mixture experts on one connection: what its numbers stand for here.
struct OpenedShare {
    let id: UInt64
    let shard: MixtureShard
    private let groups: [SiteGroupShape]
    private let experts: [UInt32: MixtureShard.Entry]

    /// - Throws: what is not here, or not what the trunk takes it for.
    init(_ request: OpenSet, hosted: HostedShare) throws(DataRefusal) {
        guard request.numerics == hosted.contract.numerics else {
            throw DataRefusal(
                .numericsMismatch,
                "the trunk computes experts as \(request.numerics), this worker as \(hosted.contract.numerics); use one build and one "
                    + "compute mode")
        }
        guard request.trunkSHA256 == hosted.contract.shape.hex else {
            throw DataRefusal(
                .unknownExpert, "the trunk's feed-forwards have another shape than this worker's; use one file")
        }
        id = request.set
        shard = hosted.shard
        groups = request.groups
        var experts: [UInt32: MixtureShard.Entry] = [:]
        for wanted in request.experts {
            guard let (entry, holding) = hosted.entry(wanted.expert) else {
                throw DataRefusal(.unknownExpert, "this worker does not hold \(wanted.expert)")
            }
            guard holding.sha256 == wanted.sha256 else {
                throw DataRefusal(
                    .unknownExpert,
                    "\(wanted.expert) here is \(holding.sha256.prefix(12)), the trunk wants \(wanted.sha256.prefix(12)); use one file"
                )
            }
            guard experts.updateValue(entry, forKey: wanted.id) == nil else {
                throw DataRefusal(.malformed, "two experts have the id \(wanted.id)")
            }
        }
        self.experts = experts
    }

    /// What is to be computed for a selection of a group.
    func entry(_ selection: Selection, group: UInt32) throws(DataRefusal) -> MixtureShard.Entry {
        guard group < groups.count else {
            throw DataRefusal(.unknownSite, "group \(group); the set has \(groups.count)")
        }
        guard let entry = experts[selection.expert] else {
            throw DataRefusal(.unknownExpert, "expert \(selection.expert) is not in set \(id)")
        }
        guard selection.site == 0, groups[Int(group)].sites == [entry.cell.site] else {
            throw DataRefusal(
                .unknownSite, "\(entry.cell) does nothing at site \(selection.site) of group \(group)")
        }
        return entry
    }
}

/// Computes what a dispatch asks of a share: rows FFN_e(x), one for each (selection, row), in the dispatch's order.
final class ShareComputation {
    private let computation: MixtureShardComputation
    private let received = DispatchRows()

    init(team: ComputeTeam) { computation = MixtureShardComputation(team: team) }

    func combine(_ dispatch: Dispatch, _ tensors: [Tensor], in set: OpenedShare) throws(DataRefusal) -> Tensor {
        let hidden = set.shard.hidden
        let input = try received.take(tensors, width: hidden)
        let entries = try dispatch.selections.map { selection throws(DataRefusal) in
            if let row = selection.rows.first(where: { $0 >= input.rows }) {
                throw DataRefusal(.malformed, "row \(row) of \(input.rows)")
            }
            return try set.entry(selection, group: dispatch.group)
        }
        let count = dispatch.selections.reduce(0) { $0 + $1.rows.count }
        guard count * hidden <= PairComputation.floatsMax else {
            throw DataRefusal(
                .oversize, "the answer would have more than \(PairComputation.floatsMax) floats; ask for fewer rows")
        }
        return Tensor(shape: [count * hidden]) { floats in
            var first = 0
            for (selection, entry) in zip(dispatch.selections, entries) {
                computation.compute(entry, of: set.shard, input: input.buffer.columns, rows: selection.rows) {
                    floats.copy($1, to: (first + $0) * hidden)
                }
                first += selection.rows.count
            }
        }
    }
}
