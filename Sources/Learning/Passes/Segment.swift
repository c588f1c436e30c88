/// One block's rows among those of a shard.
///
/// Blocks that begin with the same tokens, as the queries of one master do, share the rows of that beginning: what causal attention makes of
/// it does not depend on what follows, so it is computed once, and its gradient is the sum of theirs. The beginning is a segment too.
package struct Segment: Sendable, Equatable {
    /// The block's own.
    package let rows: Range<Int>
    /// The beginning's, which stand before them in the block; empty for a whole block and for the beginning itself.
    package let shared: Range<Int>

    package init(rows: Range<Int>, shared: Range<Int>) {
        self.rows = rows
        self.shared = shared
    }

    /// In the block, of `rows`.
    package var positions: Range<Int> { shared.count..<shared.count + rows.count }
}

/// Where the tokens of a shard's blocks stand: the rows of what all of them begin with, then each block's others. Behind a block's last
/// prediction no row is needed.
package struct ShardRows: Sendable, Equatable {
    /// The tokens that stand at the front, once.
    package let sharedCount: Int
    /// One per block.
    package let segments: [Segment]

    package init(_ blocks: [TrainingBlock]) {
        let shared = blocks.count > 1 ? Self.sharedCount(blocks) : 0
        var end = shared
        sharedCount = shared
        segments = blocks.map { block in
            let own = max(block.readCount - shared, 0)
            defer { end += own }
            return Segment(rows: end..<end + own, shared: 0..<shared)
        }
    }

    var count: Int { segments.last?.rows.upperBound ?? 0 }

    /// What attention runs over: the beginning, if there is one, and the blocks.
    package var all: [Segment] {
        ([Segment(rows: 0..<sharedCount, shared: 0..<0)] + segments).filter { !$0.rows.isEmpty }
    }

    /// The row that holds token `index` of a block.
    func row(_ index: Int, of segment: Segment) -> Int {
        index < sharedCount ? index : segment.rows.lowerBound + index - sharedCount
    }

    /// Every row once, with its token.
    package func forEachRow(of blocks: [TrainingBlock], _ body: (Int, Int32) -> Void) {
        for (number, (block, segment)) in zip(blocks, segments).enumerated() {
            for index in (number == 0 ? 0 : sharedCount)..<max(block.readCount, sharedCount) {
                body(row(index, of: segment), block.tokens[index])
            }
        }
    }

    /// Shared rows predict nothing: a row's gradient comes from one block's target.
    private static func sharedCount(_ blocks: [TrainingBlock]) -> Int {
        guard let first = blocks.first else { return 0 }
        return blocks.dropFirst().reduce(first.silentCount) { count, block in
            let most = min(count, block.silentCount)
            return (0..<most).first { block.tokens[$0] != first.tokens[$0] } ?? most
        }
    }
}
