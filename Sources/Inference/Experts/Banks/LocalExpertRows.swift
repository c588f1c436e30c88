import Kernels

/// Computes rows s · B (A u) here, on a context of its own.
package final class LocalExpertRows: ExpertRowSource {
    private let context: ComputeContext
    private var works: [PairWork] = []
    private var shares: [PairShare] = []
    private var input: Columns?

    package init(team: ComputeTeam, instructionSet: InstructionSet = .best) {
        context = ComputeContext(team: team, instructionSet: instructionSet)
    }

    package func worksElsewhere(for set: ExpertSet) -> Bool { false }

    package func begin(_ routing: GroupRouting, input: Columns) { self.input = input }

    package func collect(_ routing: GroupRouting, into results: ExpertRows) -> [MissingPair] {
        guard let input else { preconditionFailure("collect without begin") }
        return compute(routing, input: input, into: results)
    }

    /// Below it each pair's weights are better read once, by the thread that has the pair.
    private static let rowsToAddMin = 32

    package func add(_ routing: GroupRouting, input: Columns, rows: Int, to outputs: [Columns]) -> Bool {
        guard rows >= Self.rowsToAddMin else { return false }
        shares.removeAll(keepingCapacity: true)
        for pair in routing.pairs {
            guard let packed = routing.packed(pair, []) else { return false }
            shares.append(PairShare(packed, first: pair.first, count: pair.count, output: outputs[pair.linear]))
        }
        context.add(input, rowIndices: routing.rows, weights: routing.weights, by: shares, rows: rows)
        return true
    }

    /// Computes the pairs that are in this process, of those that `includes` says; returns the ones that are not.
    ///
    /// - Parameter cached: by expert id, those whose pairs are here though the set does not have them.
    package func compute(
        _ routing: GroupRouting, input: Columns, into results: ExpertRows, cached: [CachedExpert?] = [],
        includes: (Int) -> Bool = { _ in true }
    ) -> [MissingPair] {
        works.removeAll(keepingCapacity: true)
        var missing: [MissingPair] = []
        for (index, pair) in routing.pairs.enumerated() where includes(index) {
            if let packed = routing.packed(pair, cached) {
                works.append(PairWork(packed, first: pair.first, count: pair.count, start: results.starts[index]))
            } else {
                missing.append(MissingPair(pair: index, message: "\(routing.name(of: pair)) is not in this process"))
            }
        }
        context.multiply(input, rowIndices: routing.rows, by: works, into: results.arena)
        return missing
    }
}
