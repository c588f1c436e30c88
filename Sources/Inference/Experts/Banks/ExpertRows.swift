import Kernels

/// The rows that a source gives for one routing: for each pair a block [count, outputs of its linear], rows in the order of its items.
package final class ExpertRows {
    let arena = RowArena()
    /// By pair: where its block begins.
    private(set) var starts: [Int] = []
    private var floats: [Int] = []

    init() {}

    /// Lays blocks out for the pairs of `routing`.
    func layOut(_ routing: GroupRouting) {
        arena.removeAll()
        starts.removeAll(keepingCapacity: true)
        floats.removeAll(keepingCapacity: true)
        for pair in routing.pairs {
            let count = pair.count * routing.group.linears[pair.linear].base.outputs
            starts.append(arena.append(floats: count))
            floats.append(count)
        }
    }

    /// Lends the block of pair `pair` for writing, count · outputs floats.
    package func withBlock<Result, Failure: Error>(
        ofPair pair: Int, _ body: (inout MutableSpan<Float>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try arena.withBlock(at: starts[pair], floats: floats[pair], body)
    }
}
