/// Cuts a word into the pieces with the greatest sum of scores: Viterbi over the ends of pieces, in the order and with the rounding of
/// sentencepiece (unigram_model.cc, `EncodeOptimized`), so that equal sums fall as they do there.
struct UnigramCutter: Sendable {
    /// NORMAL and USER_DEFINED pieces; of a `tokenizer.json` also those of bytes, which are texts like others to `tokenizers`.
    private let trie: PieceTrie
    /// By id.
    private let scores: [Double]
    private let isUserDefined: [Bool]
    /// What a character without a piece costs: the least score less 10.
    private let unknownScore: Double
    private let greatest: Double
    private let rounds: Bool

    init(_ pieces: PackedStrings, _ kinds: [VocabularySource.TokenKind], _ source: SentencePieceSource) {
        let texts: [VocabularySource.TokenKind] = [.normal, .userDefined] + (source.readsUserDefined ? [] : [.byte])
        let included = kinds.indices.filter { texts.contains(kinds[$0]) }.map { Int32($0) }
        trie = PieceTrie(pieces, included)
        scores = source.scores
        isUserDefined = kinds.map { $0 == .userDefined && source.readsUserDefined }
        rounds = source.roundsSums
        let normal = kinds.indices.lazy.filter { kinds[$0] == .normal }.map { source.scores[$0] }
        // sentencepiece begins its search for the maximum at FLT_MIN, which is above 0.
        greatest = max(normal.max() ?? 0, Double(Float.leastNormalMagnitude))
        let least = (normal.min() ?? 0) - 10
        unknownScore = source.roundsSums ? Double(Float(least)) : least
    }

    /// The best way to each end of a piece.
    private struct Arrival {
        var score = 0.0
        /// -1: not reached.
        var start: Int32 = -1
        var id: Int32 = -1
    }

    /// Appends the pieces of `word` to `cuts`; id -1 for a character that has none.
    func cut(_ word: Span<UInt8>, into cuts: inout [Cut]) {
        var arrivals = [Arrival](repeating: Arrival(), count: word.count + 1)
        var start = 0
        while start < word.count {
            let here = arrivals[start].score
            let next = word.endOfScalar(at: start)
            var hasCharacter = false
            trie.forEachPiece(of: word, at: start) { id, end in
                if end == next { hasCharacter = true }
                // Compared as they are kept: of sums that differ by less than a rounding the first stays.
                let sum = rounded(here + score(id, length: end - start))
                if arrivals[end].start < 0 || sum > arrivals[end].score {
                    arrivals[end] = Arrival(score: sum, start: Int32(start), id: id)
                }
            }
            let sum = rounded(here + unknownScore)
            if !hasCharacter, arrivals[next].start < 0 || sum > arrivals[next].score {
                arrivals[next] = Arrival(score: sum, start: Int32(start), id: -1)
            }
            start = next
        }
        trace(arrivals, into: &cuts)
    }

    private func trace(_ arrivals: [Arrival], into cuts: inout [Cut]) {
        let first = cuts.count
        var end = arrivals.count - 1
        while end > 0 {
            let arrival = arrivals[end]
            cuts.append(Cut(range: Int(arrival.start)..<end, id: arrival.id))
            end = Int(arrival.start)
        }
        cuts[first...].reverse()
    }

    @inline(__always)
    private func score(_ id: Int32, length: Int) -> Double {
        isUserDefined[Int(id)] ? rounded(Double(Float(length) * Float(greatest)) - 0.1) : scores[Int(id)]
    }

    /// f64 sums of two f32 values, rounded, are their f32 sums.
    @inline(__always)
    private func rounded(_ sum: Double) -> Double { rounds ? Double(Float(sum)) : sum }
}

/// A part of a word and its piece; -1 where it is none.
struct Cut {
    let range: Range<Int>
    let id: Int32
}
