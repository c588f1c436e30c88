/// What makes a vocabulary one of SentencePiece: how text is prepared and cut into pieces.
///
/// Kudo and Richardson 2018 (arXiv 1808.06226). Spaces are written U+2581 `▁` in pieces; a character without a piece becomes the pieces of
/// its bytes (byte fallback), else the unknown one.
package struct SentencePieceSource: Sendable {
    package enum Algorithm: Sendable, Equatable {
        /// The sequence of pieces with the greatest sum of scores (Kudo 2018): T5, umT5, OpenMoE.
        case unigram
        /// Merge the two neighbours whose union has the greatest score, until no union is a piece: Llama, Mixtral.
        case mergesByScore
        /// The same by a list of merges, as `tokenizer.json` has it.
        case mergesByRank
    }

    package var algorithm: Algorithm
    /// Log-probabilities, or minus the rank, by id; empty for `mergesByRank`.
    package var scores: [Double]
    /// Sums are f32, as sentencepiece's are; those of the `tokenizers` library are f64.
    package var roundsSums: Bool
    package var hasByteFallback: Bool
    package var unknown: Int32?
    package var preparation: TextPreparation

    package init(
        _ algorithm: Algorithm, scores: [Double], roundsSums: Bool, hasByteFallback: Bool, unknown: Int32?,
        preparation: TextPreparation
    ) {
        self.algorithm = algorithm
        self.scores = scores
        self.roundsSums = roundsSums
        self.hasByteFallback = hasByteFallback
        self.unknown = unknown
        self.preparation = preparation
    }
}

/// What happens to text before it is cut into pieces.
package enum TextPreparation: Sendable {
    /// The normaliser of sentencepiece: one text, one normalised text.
    case whole(CharacterMap?, addsDummyPrefix: Bool, removesExtraSpaces: Bool)
    /// The components of a `tokenizer.json`, which may also cut text into words.
    case steps([TextStep], words: WordRule)

    /// Whether decoded text loses the space that preparation put before it.
    var addsDummyPrefix: Bool {
        switch self {
        case .whole(_, let adds, _): adds
        case .steps(let steps, let words): words.addsPrefix || steps.contains(.prepend("▁"))
        }
    }
}

/// A normaliser of `tokenizer.json`.
package enum TextStep: Sendable, Equatable {
    case map(CharacterMap)
    case strip(left: Bool, right: Bool)
    /// Two spaces and more become this.
    case collapseSpaces(String)
    case replace(String, with: String)
    case prepend(String)
}

/// The pre-tokenizer of `tokenizer.json`.
package struct WordRule: Sendable, Equatable {
    package enum Prefix: Sendable, Equatable { case never, first, always }

    /// Cut at white space, which is lost.
    package var splitsAtWhiteSpace = false
    /// nil without a Metaspace: text stays one word, and spaces stay spaces.
    package var prefix: Prefix?
    /// Each `▁` begins a word.
    package var splitsAtMarks = false

    package init() {}

    var addsPrefix: Bool { prefix == .first || prefix == .always }
}
