/// Cuts a word into pieces by merging neighbours, the best union first, the leftmost of equals (sentencepiece, bpe_model.cc). O(n log n).
struct PieceMerger: Sendable {
    private let pieces: PackedStrings
    private let kinds: [VocabularySource.TokenKind]
    /// Pieces that text can become.
    private let table: PieceTable
    private let longest: Int
    private let order: Order
    /// Pieces that always stand whole.
    private let fixed: PieceTrie
    /// Whole words that are pieces stay so.
    private let ignoresMerges: Bool

    private enum Order: Sendable {
        /// By id: 0 for the greatest score; equal scores have equal ranks.
        case scores([UInt32])
        case merges(MergeTable)
    }

    init(_ source: VocabularySource, _ options: SentencePieceSource, fixed: PieceTrie) throws(TokenizationError) {
        pieces = source.tokens
        kinds = source.kinds
        self.fixed = fixed
        ignoresMerges = source.ignoresMerges
        var table = PieceTable(capacity: source.tokens.count)
        var longest = 0
        for id in 0..<source.tokens.count where Self.isText(source.kinds[id]) && !source.tokens[id].isEmpty {
            table.insert(id, of: source.tokens)
            longest = max(longest, source.tokens[id].count)
        }
        self.table = table
        self.longest = longest
        order =
            options.algorithm == .mergesByScore
            ? .scores(Self.ranks(options.scores)) : .merges(try Self.merges(source, table))
    }

    private static func isText(_ kind: VocabularySource.TokenKind) -> Bool {
        kind == .normal || kind == .userDefined || kind == .unused
    }

    private static func ranks(_ scores: [Double]) -> [UInt32] {
        let ids = scores.indices.sorted { scores[$0] > scores[$1] }
        var ranks = [UInt32](repeating: 0, count: scores.count)
        for (before, id) in zip(ids, ids.dropFirst()) {
            ranks[id] = ranks[before] + (scores[id] < scores[before] ? 1 : 0)
        }
        return ranks
    }

    private static func merges(_ source: VocabularySource, _ table: PieceTable) throws(TokenizationError) -> MergeTable
    {
        var merges = MergeTable(capacity: source.merges.count)
        for rank in 0..<source.merges.count {
            let text = source.merges[rank]
            guard let space = text.firstIndex(of: 0x20), text.lastIndex(of: 0x20) == space else {
                throw .malformed(field: "merges[\(rank)]", reason: "expected two tokens and one space between them")
            }
            let (left, right) = (Array(text[..<space]), Array(text[(space + 1)...]))
            let found = [left, right, left + right].compactMap { table.find($0.span, 0..<$0.count, in: source.tokens) }
            guard found.count == 3 else {
                throw .malformed(
                    field: "merges[\(rank)]",
                    reason: "'\(String(decoding: text, as: UTF8.self))' names a token that the vocabulary lacks")
            }
            merges.append(.init(left: found[0], right: found[1], result: found[2]))
        }
        return merges
    }

    /// Appends the pieces of `word` to `cuts`; id -1 for what is none.
    func cut(_ word: Span<UInt8>, into cuts: inout [Cut]) {
        if ignoresMerges, let id = find(word, 0..<word.count) {
            return cuts.append(Cut(range: 0..<word.count, id: id))
        }
        var symbols = Symbols(word, fixed) { find(word, $0) ?? -1 }
        var parts: [Int32: Int] = [:]
        var heap = RankHeap()
        for index in symbols.ends.indices.dropLast() { refresh(index, word, &symbols, &heap) }
        while let top = heap.pop() {
            let at = Int(top.position)
            guard symbols.ranks[at] == top.rank, let union = union(at, word, symbols) else { continue }
            // Only sentencepiece's own models have pieces to build others with that may not come out.
            if kinds[Int(union.id)] == .unused { parts[union.id] = symbols.ends[at] - symbols.starts[at] }
            symbols.merge(at, into: union.id)
            refresh(at, word, &symbols, &heap)
            if symbols.previous[at] >= 0 { refresh(Int(symbols.previous[at]), word, &symbols, &heap) }
        }
        for index in symbols.ends.indices where symbols.isAlive[index] {
            emit(symbols.starts[index]..<symbols.ends[index], symbols.ids[index], word, parts, &cuts)
        }
    }

    /// Unused pieces come out as the two that made them.
    private func emit(
        _ range: Range<Int>, _ id: Int32, _ word: Span<UInt8>, _ parts: [Int32: Int], _ cuts: inout [Cut]
    ) {
        guard id >= 0, kinds[Int(id)] == .unused, let length = parts[id] else {
            return cuts.append(Cut(range: range, id: id))
        }
        let middle = range.lowerBound + length
        for part in [range.lowerBound..<middle, middle..<range.upperBound] {
            emit(part, find(word, part) ?? -1, word, parts, &cuts)
        }
    }

    private func find(_ word: Span<UInt8>, _ range: Range<Int>) -> Int32? {
        range.count <= longest ? table.find(word, range, in: pieces) : nil
    }

    /// What symbol `at` and the next one make, and its rank.
    private func union(_ at: Int, _ word: Span<UInt8>, _ symbols: Symbols) -> (id: Int32, rank: UInt32)? {
        let next = Int(symbols.next[at])
        guard next >= 0, !symbols.isFixed[at], !symbols.isFixed[next] else { return nil }
        switch order {
        case .scores(let ranks):
            return find(word, symbols.starts[at]..<symbols.ends[next]).map { ($0, ranks[Int($0)]) }
        case .merges(let merges):
            guard symbols.ids[at] >= 0, symbols.ids[next] >= 0 else { return nil }
            let rank = merges.rank(symbols.ids[at], symbols.ids[next])
            return rank == MergeTable.none ? nil : (merges.result(ofRank: rank), rank)
        }
    }

    private func refresh(_ at: Int, _ word: Span<UInt8>, _ symbols: inout Symbols, _ heap: inout RankHeap) {
        let rank = union(at, word, symbols)?.rank ?? MergeTable.none
        symbols.ranks[at] = rank
        if rank != MergeTable.none { heap.push(rank: rank, position: UInt32(at)) }
    }
}

/// A word on its way from characters to pieces, as a linked list.
private struct Symbols {
    var starts: [Int] = []
    var ends: [Int] = []
    /// -1 where the symbol is no piece.
    var ids: [Int32] = []
    var isFixed: [Bool] = []
    var isAlive: [Bool]
    var next: [Int32]
    var previous: [Int32]
    /// Of the union with the next one.
    var ranks: [UInt32]

    init(_ word: Span<UInt8>, _ fixed: PieceTrie, _ find: (Range<Int>) -> Int32) {
        var start = 0
        while start < word.count {
            let whole = fixed.isEmpty ? nil : fixed.longest(of: word, at: start)
            let end = whole?.end ?? word.endOfScalar(at: start)
            starts.append(start)
            ends.append(end)
            ids.append(whole?.id ?? find(start..<end))
            isFixed.append(whole != nil)
            start = end
        }
        let count = starts.count
        isAlive = [Bool](repeating: true, count: count)
        next = (0..<count).map { $0 + 1 < count ? Int32($0 + 1) : -1 }
        previous = (0..<count).map { Int32($0) - 1 }
        ranks = [UInt32](repeating: MergeTable.none, count: count)
    }

    /// Symbol `at` takes in the next one.
    mutating func merge(_ at: Int, into id: Int32) {
        let removed = Int(next[at])
        ends[at] = ends[removed]
        ids[at] = id
        isAlive[removed] = false
        ranks[removed] = MergeTable.none
        next[at] = next[removed]
        if next[at] >= 0 { previous[Int(next[at])] = Int32(at) }
    }
}
