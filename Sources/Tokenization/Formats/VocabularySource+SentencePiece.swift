import Weights

extension VocabularySource {
    /// Reads a SentencePiece model held in memory; `file` is what errors call it.
    package init(sentencePieceModel bytes: [UInt8], file: String) throws(TokenizationError) {
        try self.init(SentencePieceFile(bytes, file: file), nil)
    }

    /// - Parameter configuration: names the tokens around a prompt and those added to the model's, where it is there.
    init(_ file: SentencePieceFile, _ configuration: TokenizerConfiguration?) throws(TokenizationError) {
        var (tokens, kinds, scores) = (file.pieces, file.kinds, file.scores)
        var added = kinds.indices.filter { kinds[$0] == .control || kinds[$0] == .unknown || kinds[$0] == .userDefined }
            .map {
                AddedToken(id: Int32($0), text: tokens.string($0))
            }
        // Ids beyond the model's; others repeat what it says.
        for token in configuration?.added.sorted(by: { $0.id < $1.id }) ?? [] where token.id >= tokens.count {
            try VocabularyLimits.check("added_tokens_decoder", Int(token.id), VocabularyLimits.tokensMax - 1)
            while tokens.count < token.id {
                tokens.append([])
                kinds.append(.unused)
                scores.append(0)
            }
            tokens.append(token.content.utf8)
            // Not `userDefined`: text becomes it only where special tokens are parsed.
            kinds.append(.control)
            scores.append(0)
            added.append(AddedToken(token))
        }
        self.init(
            tokens: tokens, kinds: kinds, addedTokens: added.filter { !$0.text.isEmpty },
            sentencePiece: SentencePieceSource(
                file.modelType == .bpe ? .mergesByScore : .unigram, scores: scores, roundsSums: true,
                hasByteFallback: file.hasByteFallback, unknown: file.unknown,
                preparation: .whole(
                    file.characterMap, addsDummyPrefix: file.addsDummyPrefix,
                    removesExtraSpaces: file.removesExtraSpaces)))
        func id(_ text: String?) -> Int32? { text.flatMap { text in added.first { $0.text == text }?.id } }
        beginOfSequence = id(configuration?.beginOfSequence) ?? Self.present(file.beginOfSequence)
        endOfSequence = id(configuration?.endOfSequence) ?? Self.present(file.endOfSequence)
        // What the library's Llama class does unless told otherwise; T5's begins with nothing.
        addsBeginOfSequence = configuration?.addsBeginOfSequence ?? (file.modelType == .bpe)
        chatTemplate = configuration?.chatTemplate
    }

    private static func present(_ id: Int32) -> Int32? { id >= 0 ? id : nil }
}

extension VocabularySource {
    /// Reads the keys of a `llama` (BPE by scores) or `t5` (unigram) vocabulary; what a file leaves out is as in llama.cpp.
    init(sentencePiece model: String, _ keys: GGUFTokenizerKeys) throws(TokenizationError) {
        let tokens = try keys.strings("tokenizer.ggml.tokens", countMax: VocabularyLimits.tokensMax)
        let kinds = try keys.kinds("tokenizer.ggml.token_type", count: tokens.count)
        let map = try keys.bytes("tokenizer.ggml.precompiled_charsmap", countMax: CharacterMap.bytesMax)
        let isLlama = model == "llama"
        let preparation = TextPreparation.whole(
            try CharacterMap(map, field: "tokenizer.ggml.precompiled_charsmap"),
            addsDummyPrefix: try keys.flag("tokenizer.ggml.add_space_prefix") ?? true,
            removesExtraSpaces: try keys.flag("tokenizer.ggml.remove_extra_whitespaces") ?? false)
        let added = kinds.indices.filter { kinds[$0] == .control || kinds[$0] == .userDefined || kinds[$0] == .unknown }
        self.init(
            tokens: tokens, kinds: kinds,
            addedTokens: added.map { AddedToken(id: Int32($0), text: tokens.string($0)) }.filter { !$0.text.isEmpty },
            sentencePiece: SentencePieceSource(
                isLlama ? .mergesByScore : .unigram,
                scores: try keys.numbers("tokenizer.ggml.scores", count: tokens.count), roundsSums: true,
                hasByteFallback: kinds.contains(.byte),
                unknown: try keys.id("tokenizer.ggml.unknown_token_id") ?? (isLlama ? 0 : 2), preparation: preparation))
        beginOfSequence = try keys.id("tokenizer.ggml.bos_token_id") ?? (isLlama ? 1 : nil)
        endOfSequence = try keys.id("tokenizer.ggml.eos_token_id") ?? (isLlama ? 2 : 1)
        addsBeginOfSequence = try keys.flag("tokenizer.ggml.add_bos_token") ?? isLlama
        chatTemplate = try keys.optionalText("tokenizer.chat_template")
    }
}
