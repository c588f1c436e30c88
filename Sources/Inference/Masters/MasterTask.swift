import Deciding

/// What a sequence of a master is to give instead of an answer.
package enum MasterTask: Sendable, Equatable {
    /// Nothing is generated: the sequence ends with the logits of functional tokens after its prompt.
    case decide
    /// What is generated stands under `RewriteGrammar`, most likely token first, and ends with it.
    case rewrite(textBytesMax: Int)
}

/// Chooses tokens under `RewriteGrammar`.
struct RewriteChooser {
    /// The bytes of each token; none for special and functional tokens, which a rewrite never holds.
    let pieces: [[UInt8]]

    private static let firstLook = 64

    /// The allowed token with the greatest logit, of equals the lowest id; the grammar advanced by it. A vocabulary that has each byte as
    /// a token always has one, since the grammar can always be completed.
    func choose(_ logits: Span<Float>, _ grammar: inout RewriteGrammar) -> Int32? {
        var best: [Candidate] = []
        Ranking.best(Self.firstLook, of: logits, into: &best)
        for candidate in best where allows(candidate.id, grammar) { return take(candidate.id, &grammar) }
        var found: Candidate?
        for id in 0..<min(pieces.count, logits.count) {
            let candidate = Candidate(id: Int32(id), value: logits[id])
            if let found, !Candidate.precedes(candidate, found) { continue }
            if allows(candidate.id, grammar) { found = candidate }
        }
        return found.map { take($0.id, &grammar) }
    }

    /// The grammar after what an earlier attempt chose; nil if that was not under it.
    func state(after tokens: ArraySlice<Int32>, textBytesMax: Int) -> RewriteGrammar? {
        var grammar = RewriteGrammar(textBytesMax: textBytesMax)
        for token in tokens {
            guard allows(token, grammar) else { return nil }
            _ = take(token, &grammar)
        }
        return grammar
    }

    private func allows(_ id: Int32, _ grammar: RewriteGrammar) -> Bool {
        pieces.indices.contains(Int(id)) && grammar.allows(pieces[Int(id)])
    }

    private func take(_ id: Int32, _ grammar: inout RewriteGrammar) -> Int32 {
        for byte in pieces[Int(id)] { _ = grammar.take(byte) }
        return id
    }
}
