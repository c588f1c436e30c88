/// What a tokenizer is built from, whatever file it came from.
package struct VocabularySource: Sendable {
    /// The token types of GGUF (`tokenizer.ggml.token_type`); `tokenizer.json` maps onto them.
    package enum TokenKind: UInt8, Sendable {
        case normal = 1
        case unknown = 2
        case control = 3
        case userDefined = 4
        case unused = 5
        case byte = 6
    }

    /// A token that text can only reach when special tokens are parsed, with the flags of `tokenizer.json`.
    package struct AddedToken: Sendable, Equatable {
        package var id: Int32
        package var text: String
        /// Matched in normalised text instead of in the text as it came.
        package var matchesNormalized = false
        package var stripsLeft = false
        package var stripsRight = false
        package var isSingleWord = false

        package init(id: Int32, text: String) {
            self.id = id
            self.text = text
        }
    }

    /// By id: plain tokens in the byte-level alphabet, or with `▁` for spaces (SentencePiece); added ones as they are.
    package var tokens: PackedStrings
    /// By id; as many as `tokens`.
    package var kinds: [TokenKind]
    /// `left right`, in order of rank, in the byte-level alphabet.
    package var merges: PackedStrings
    package var addedTokens: [AddedToken]
    /// Of byte-level BPE.
    package var preTokenizer: PreTokenizer
    /// nil for byte-level BPE.
    package var sentencePiece: SentencePieceSource?
    /// Unicode normalisation form C before anything else.
    package var normalizesToNFC = false
    /// A whole word that is a token is that token, whatever the merges say.
    package var ignoresMerges = false
    package var beginOfSequence: Int32?
    package var endOfSequence: Int32?
    /// Whether a raw prompt begins with `beginOfSequence`.
    package var addsBeginOfSequence = false
    /// The model's Jinja template, unread.
    package var chatTemplate: String?

    package init(
        tokens: PackedStrings, kinds: [TokenKind], merges: PackedStrings, addedTokens: [AddedToken],
        preTokenizer: PreTokenizer
    ) {
        self.tokens = tokens
        self.kinds = kinds
        self.merges = merges
        self.addedTokens = addedTokens
        self.preTokenizer = preTokenizer
    }

    /// A vocabulary of SentencePiece.
    package init(
        tokens: PackedStrings, kinds: [TokenKind], merges: PackedStrings = PackedStrings(), addedTokens: [AddedToken],
        sentencePiece: SentencePieceSource
    ) {
        self.init(tokens: tokens, kinds: kinds, merges: merges, addedTokens: addedTokens, preTokenizer: .gpt2)
        self.sentencePiece = sentencePiece
    }
}

extension VocabularySource {
    /// What holds of every vocabulary, whatever its algorithm.
    func check() throws(TokenizationError) {
        try VocabularyLimits.check("tokens", tokens.count, VocabularyLimits.tokensMax)
        try VocabularyLimits.check("merges", merges.count, VocabularyLimits.mergesMax)
        try VocabularyLimits.check("added tokens", addedTokens.count, VocabularyLimits.addedTokensMax)
        try VocabularyLimits.check("bytes of tokens", tokens.bytes.count, VocabularyLimits.textBytesMax)
        guard tokens.count > 0 else { throw .malformed(field: "tokens", reason: "the vocabulary is empty") }
        guard kinds.count == tokens.count else {
            throw .malformed(
                field: "token types", reason: "\(kinds.count) types for \(tokens.count) tokens")
        }
        for added in addedTokens where !(0..<tokens.count).contains(Int(added.id)) || added.text.isEmpty {
            throw .malformed(field: "added token \(added.id)", reason: "no such id, or empty text '\(added.text)'")
        }
    }
}

/// Bounds on what a file may ask for; the largest known vocabularies have 262 k tokens and 515 k merges.
package enum VocabularyLimits {
    package static let tokensMax = 1 << 20
    package static let mergesMax = 1 << 22
    package static let addedTokensMax = 1 << 14
    package static let textBytesMax = 1 << 27
    package static let templateBytesMax = 1 << 20

    static func check(_ field: String, _ count: Int, _ limit: Int) throws(TokenizationError) {
        guard count <= limit else { throw .overLimit(field: field, count: count, limit: limit) }
    }
}
