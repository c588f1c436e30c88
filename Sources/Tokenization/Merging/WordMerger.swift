/// Byte-pair encoding of one word: merge the neighbouring pair of the lowest rank, the leftmost of equals, until none is left.
///
/// Short words scan for the minimum. Long ones (100 kB without a space is one word) keep the ranks in a heap over a linked
/// list: O(n log n).
struct WordMerger {
    /// From this many bytes on the heap is faster.
    private static let scanMax = 48

    private var symbols: [Int32] = []
    private var ranks: [UInt32] = []
    private var next: [Int32] = []
    private var previous: [Int32] = []
    private var heap = RankHeap()

    /// Appends the tokens of `text[range]` to `ids`.
    mutating func merge(_ text: Span<UInt8>, _ range: Range<Int>, with vocabulary: Vocabulary, into ids: inout [Int32])
    {
        symbols.removeAll(keepingCapacity: true)
        for index in range {
            let token = vocabulary.tokenOfByte[Int(text[index])]
            if token >= 0 { symbols.append(token) }
        }
        if symbols.count > Self.scanMax {
            mergeByHeap(vocabulary.merges, into: &ids)
        } else {
            mergeByScan(vocabulary.merges)
            ids.append(contentsOf: symbols)
        }
    }

    private mutating func mergeByScan(_ merges: MergeTable) {
        guard symbols.count > 1 else { return }
        ranks.removeAll(keepingCapacity: true)
        for index in 1..<symbols.count { ranks.append(merges.rank(symbols[index - 1], symbols[index])) }
        while true {
            var best = MergeTable.none
            var at = 0
            for index in 0..<ranks.count where ranks[index] < best {
                best = ranks[index]
                at = index
            }
            if best == MergeTable.none { return }
            symbols[at] = merges.result(ofRank: best)
            symbols.remove(at: at + 1)
            ranks.remove(at: at)
            if at > 0 { ranks[at - 1] = merges.rank(symbols[at - 1], symbols[at]) }
            if at < ranks.count { ranks[at] = merges.rank(symbols[at], symbols[at + 1]) }
        }
    }

    /// `ranks[i]` is the rank of symbol i and its successor now; a heap entry that says otherwise is stale.
    private mutating func mergeByHeap(_ merges: MergeTable, into ids: inout [Int32]) {
        let count = symbols.count
        next = (1...count).map { $0 < count ? Int32($0) : -1 }
        previous = (0..<count).map { Int32($0) - 1 }
        ranks = [UInt32](repeating: MergeTable.none, count: count)
        heap.removeAll()
        for index in 0..<(count - 1) { refresh(index, merges) }
        while let top = heap.pop() {
            let at = Int(top.position)
            guard ranks[at] == top.rank else { continue }
            let removed = Int(next[at])
            symbols[at] = merges.result(ofRank: top.rank)
            symbols[removed] = -1
            ranks[removed] = MergeTable.none
            next[at] = next[removed]
            if next[at] >= 0 { previous[Int(next[at])] = Int32(at) }
            refresh(at, merges)
            if previous[at] >= 0 { refresh(Int(previous[at]), merges) }
        }
        for symbol in symbols where symbol >= 0 { ids.append(symbol) }
    }

    private mutating func refresh(_ index: Int, _ merges: MergeTable) {
        let rank = next[index] < 0 ? MergeTable.none : merges.rank(symbols[index], symbols[Int(next[index])])
        ranks[index] = rank
        if rank != MergeTable.none { heap.push(rank: rank, position: UInt32(index)) }
    }
}
