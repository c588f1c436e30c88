import Weights

extension VocabularySource {
    /// Reads the `tokenizer.…` keys of a GGUF file.
    ///
    /// - Throws: what the file lacks, contradicts or asks for and this library does not do, by key.
    package init(gguf metadata: GGUFMetadata) throws(TokenizationError) {
        let keys = GGUFTokenizerKeys(metadata)
        let model = try keys.text("tokenizer.ggml.model")
        if model == "llama" || model == "t5" {
            self = try VocabularySource(sentencePiece: model, keys)
            return
        }
        guard model == "gpt2" else { throw .unsupportedModel(model) }
        let preTokenizer = try PreTokenizer(ggufName: try keys.text("tokenizer.ggml.pre"))
        let tokens = try keys.strings("tokenizer.ggml.tokens", countMax: VocabularyLimits.tokensMax)
        let kinds = try keys.kinds("tokenizer.ggml.token_type", count: tokens.count)
        var added: [AddedToken] = []
        for (id, kind) in kinds.enumerated() where kind == .control || kind == .userDefined || kind == .unknown {
            added.append(AddedToken(id: Int32(id), text: tokens.string(id)))
        }
        self.init(
            tokens: tokens, kinds: kinds,
            merges: try keys.strings("tokenizer.ggml.merges", countMax: VocabularyLimits.mergesMax),
            addedTokens: added, preTokenizer: preTokenizer)
        // GGUF does not say it; the models behind these two names are published so.
        normalizesToNFC = preTokenizer == .qwen2
        ignoresMerges = preTokenizer == .llama3
        beginOfSequence = try keys.id("tokenizer.ggml.bos_token_id")
        endOfSequence = try keys.id("tokenizer.ggml.eos_token_id")
        // Llama 3 files made before the key existed begin with the token all the same (as llama.cpp does).
        addsBeginOfSequence = try keys.flag("tokenizer.ggml.add_bos_token") ?? (preTokenizer == .llama3)
        chatTemplate = try keys.optionalText("tokenizer.chat_template")
    }
}

extension Tokenizer {
    /// The tokenizer of a GGUF model; `GGUFMetadata(path:)` reads nothing else of the file.
    package convenience init(gguf metadata: GGUFMetadata) throws(TokenizationError) {
        try self.init(VocabularySource(gguf: metadata))
    }

    /// The tokenizer of a model on disk: a `.gguf` file, a SentencePiece `.model`, a folder with a `tokenizer.json` or such a model, or
    /// another file in such a folder.
    package convenience init(path: String) throws(TokenizationError) {
        if path.hasSuffix(".gguf") {
            let metadata: GGUFMetadata
            do { metadata = try GGUFMetadata(path: path) } catch {
                throw .unreadable(path: path, reason: "\(error)")
            }
            try self.init(gguf: metadata)
        } else if path.hasSuffix(".model") {
            try self.init(VocabularySource(SentencePieceFile(path: path), nil))
        } else if path.hasSuffix(".safetensors") || path.hasSuffix(".json") {
            let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
            try self.init(folder: folder)
        } else {
            try self.init(folder: path)
        }
    }
}
