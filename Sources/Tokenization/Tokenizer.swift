import Synchronization
import Weights

/// Text to token ids and back: byte-level BPE, equal to the `tokenizers` library id for id, or SentencePiece (`SentencePieceModel`).
///
/// Text is inert: a special token spelled out in it is plain text, unless the caller asks for parsing. A chat template
/// inserts its ids structurally (`ChatTemplate`).
package final class Tokenizer: Sendable {
    /// By id: what a token stands for in text.
    private let pieces: PackedStrings
    private let kinds: [VocabularySource.TokenKind]
    private let model: Model
    private let normalizesToNFC: Bool
    private let rawTokens: AddedTokenMatcher
    private let normalizedTokens: AddedTokenMatcher
    private let specials: [ExactText: VocabularySource.AddedToken]
    private let cache = Mutex(WordCache())

    package let beginOfSequence: Int32?
    package let endOfSequence: Int32?
    /// Ids after which generation ends, ascending: end of sequence, end of turn, end of message.
    package let endOfGeneration: [Int32]
    /// Whether a raw prompt begins with `beginOfSequence` (templates insert their own).
    package let addsBeginOfSequence: Bool
    /// The model's Jinja template, unread; `ChatTemplate.recognise` reads it.
    package let chatTemplate: String?

    private enum Model: Sendable {
        case byteLevel(Vocabulary, PreTokenizer)
        case sentencePiece(SentencePieceModel)
    }

    package init(_ source: VocabularySource) throws(TokenizationError) {
        try source.check()
        if let options = source.sentencePiece {
            let sentencePiece = try SentencePieceModel(source, options)
            pieces = sentencePiece.surfaces
            model = .sentencePiece(sentencePiece)
        } else {
            let vocabulary = try Vocabulary(source)
            pieces = vocabulary.pieces
            model = .byteLevel(vocabulary, source.preTokenizer)
        }
        kinds = source.kinds
        normalizesToNFC = source.normalizesToNFC
        let normalize = source.normalizesToNFC ? CanonicalComposition.normalize : nil
        // SentencePiece's user-defined pieces are text; all its added tokens are looked for in text as it came.
        rawTokens = AddedTokenMatcher(
            source.addedTokens.filter { token in
                guard let options = source.sentencePiece else { return !token.matchesNormalized }
                return !(options.readsUserDefined && source.kinds[Int(token.id)] == .userDefined)
            })
        normalizedTokens = AddedTokenMatcher(
            source.addedTokens.filter { $0.matchesNormalized && source.sentencePiece == nil }, normalizing: normalize)
        specials = Dictionary(source.addedTokens.map { (ExactText($0.text), $0) }) { _, last in last }
        beginOfSequence = try Self.checked(source.beginOfSequence, "begin of sequence", source)
        endOfSequence = try Self.checked(source.endOfSequence, "end of sequence", source)
        endOfGeneration = Self.endOfGeneration(source)
        addsBeginOfSequence = source.addsBeginOfSequence && source.beginOfSequence != nil
        chatTemplate = source.chatTemplate
    }

    /// The number of ids; a model's logits may be wider.
    package var count: Int { kinds.count }

    // MARK: Text to ids

    /// - Parameter parseSpecial: spelled-out special and added tokens become their ids. Never for text of a user.
    package func encode(_ text: String, parseSpecial: Bool = false) -> [Int32] {
        encode(validUTF8: Array(text.utf8), parseSpecial: parseSpecial)
    }

    /// Encodes bytes; each invalid sequence counts as U+FFFD.
    package func encode(bytes: [UInt8], parseSpecial: Bool = false) -> [Int32] {
        encode(validUTF8: Array(String(decoding: bytes, as: UTF8.self).utf8), parseSpecial: parseSpecial)
    }

    private func encode(validUTF8 text: [UInt8], parseSpecial: Bool) -> [Int32] {
        switch model {
        case .sentencePiece(let model): encode(text, parseSpecial, with: model)
        case .byteLevel(let vocabulary, let scanner): encode(text, parseSpecial, vocabulary, scanner)
        }
    }

    /// Every text between added tokens is prepared alone.
    private func encode(_ text: [UInt8], _ parseSpecial: Bool, with model: SentencePieceModel) -> [Int32] {
        var ids: [Int32] = []
        guard parseSpecial && !rawTokens.isEmpty else {
            model.append(text, atStart: true, to: &ids)
            return ids
        }
        for part in rawTokens.split(text) {
            switch part {
            case .token(let id): ids.append(id)
            case .text(let range): model.append(Array(text[range]), atStart: range.lowerBound == 0, to: &ids)
            }
        }
        return ids
    }

    private func encode(
        _ text: [UInt8], _ parseSpecial: Bool, _ vocabulary: Vocabulary, _ scanner: PreTokenizer
    ) -> [Int32] {
        // Another thread may hold the cache: then this text does without rather than wait.
        let cached = cache.withLockIfAvailable { words in
            var encoding = Encoding(vocabulary: vocabulary, scanner: WordScanner(scanner))
            split(text, parseSpecial, matcher: rawTokens, isNormalized: false, &encoding, &words)
            return encoding.ids
        }
        if let cached { return cached }
        var encoding = Encoding(vocabulary: vocabulary, scanner: WordScanner(scanner))
        var words = WordCache()
        split(text, parseSpecial, matcher: rawTokens, isNormalized: false, &encoding, &words)
        return encoding.ids
    }

    /// First the added tokens that match text as it came, then normalisation, then those that match normalised text.
    private func split(
        _ text: [UInt8], _ parseSpecial: Bool, matcher: AddedTokenMatcher, isNormalized: Bool,
        _ encoding: inout Encoding, _ words: inout WordCache
    ) {
        guard parseSpecial && !matcher.isEmpty else {
            return next(text, parseSpecial, isNormalized, &encoding, &words)
        }
        for part in matcher.split(text) {
            switch part {
            case .token(let id): encoding.ids.append(id)
            case .text(let range): next(Array(text[range]), parseSpecial, isNormalized, &encoding, &words)
            }
        }
    }

    private func next(
        _ text: [UInt8], _ parseSpecial: Bool, _ isNormalized: Bool, _ encoding: inout Encoding,
        _ words: inout WordCache
    ) {
        if isNormalized { return encoding.append(text.span, &words) }
        let normal = normalizesToNFC ? CanonicalComposition.normalize(text) : text
        split(normal, parseSpecial, matcher: normalizedTokens, isNormalized: true, &encoding, &words)
    }

    // MARK: Ids to text

    /// The bytes of a token: of a plain one what it stands for in text, of a special one its name. Empty for no such id.
    package func piece(_ id: Int32) -> [UInt8] {
        (0..<count).contains(Int(id)) ? Array(pieces[Int(id)]) : []
    }

    /// True for control tokens (`<|im_end|>`); false for plain text and for no such id.
    package func isSpecial(_ id: Int32) -> Bool {
        (0..<count).contains(Int(id)) && (kinds[Int(id)] == .control || kinds[Int(id)] == .unknown)
    }

    /// The bytes of `ids`, which may end within a character.
    package func decodeBytes(_ ids: some Sequence<Int32>, skippingSpecial: Bool = true) -> [UInt8] {
        var bytes: [UInt8] = []
        for id in ids where (0..<count).contains(Int(id)) && !(skippingSpecial && isSpecial(id)) {
            bytes.append(contentsOf: pieces[Int(id)])
        }
        return bytes
    }

    /// The text of `ids`; each invalid sequence becomes U+FFFD.
    /// - Parameter fromStart: `ids` are a whole text, so the space that SentencePiece puts before one goes. An answer continues its prompt:
    ///   there the space is text.
    package func decode(_ ids: some Sequence<Int32>, skippingSpecial: Bool = true, fromStart: Bool = false) -> String {
        let bytes = decodeBytes(ids, skippingSpecial: skippingSpecial)
        let hasDummy = fromStart && addsDummyPrefix && bytes.first == 0x20
        return String(decoding: bytes.dropFirst(hasDummy ? 1 : 0), as: UTF8.self)
    }

    private var addsDummyPrefix: Bool {
        if case .sentencePiece(let model) = model { model.addsDummyPrefix } else { false }
    }

    // MARK: Special tokens

    /// The added token spelled `text`.
    package func addedToken(_ text: String) -> VocabularySource.AddedToken? { specials[ExactText(text)] }

    private static func checked(
        _ id: Int32?, _ field: String, _ source: VocabularySource
    ) throws(TokenizationError) -> Int32? {
        guard let id, !(0..<source.tokens.count).contains(Int(id)) else { return id }
        throw .malformed(field: field, reason: "id \(id) is outside the vocabulary of \(source.tokens.count)")
    }

    private static func endOfGeneration(_ source: VocabularySource) -> [Int32] {
        let names = ["<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|eom_id|>", "<|end_of_text|>"]
        var ids = Set(source.addedTokens.filter { names.contains($0.text) }.map(\.id))
        if let end = source.endOfSequence { ids.insert(end) }
        return ids.sorted()
    }
}

/// One text on its way to ids.
private struct Encoding {
    let vocabulary: Vocabulary
    let scanner: WordScanner
    var merger = WordMerger()
    var ids: [Int32] = []

    init(vocabulary: Vocabulary, scanner: WordScanner) {
        self.vocabulary = vocabulary
        self.scanner = scanner
    }

    mutating func append(_ text: Span<UInt8>, _ words: inout WordCache) {
        scanner.forEachWord(in: text, 0..<text.count) { range in
            appendWord(text, range, &words)
        }
    }

    private mutating func appendWord(_ text: Span<UInt8>, _ range: Range<Int>, _ words: inout WordCache) {
        let key = WordCache.key(text, range)
        if let key, words.append(key, to: &ids) { return }
        let start = ids.count
        if let word = vocabulary.wholeWord(text, range) {
            ids.append(word)
        } else {
            merger.merge(text, range, with: vocabulary, into: &ids)
        }
        if let key { words.insert(key, ids[start...]) }
    }
}
