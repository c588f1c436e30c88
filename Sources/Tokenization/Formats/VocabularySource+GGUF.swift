import Weights

extension VocabularySource {
    /// Reads the `tokenizer.…` keys of a GGUF file.
    ///
    /// - Throws: what the file lacks, contradicts or asks for and this library does not do, by key.
    package init(gguf metadata: GGUFMetadata) throws(TokenizationError) {
        let keys = GGUFTokenizerKeys(metadata)
        let model = try keys.text("tokenizer.ggml.model")
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

    /// The tokenizer of a model on disk: a `.gguf` file, a folder with a `tokenizer.json`, or a file in such a folder.
    package convenience init(path: String) throws(TokenizationError) {
        if path.hasSuffix(".gguf") {
            let metadata: GGUFMetadata
            do { metadata = try GGUFMetadata(path: path) } catch {
                throw .unreadable(path: path, reason: "\(error)")
            }
            try self.init(gguf: metadata)
        } else if path.hasSuffix(".safetensors") || path.hasSuffix(".json") {
            let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
            try self.init(folder: folder)
        } else {
            try self.init(folder: path)
        }
    }
}

/// Typed look-ups whose errors are this target's.
private struct GGUFTokenizerKeys {
    let metadata: GGUFMetadata

    init(_ metadata: GGUFMetadata) {
        self.metadata = metadata
    }

    func text(_ key: String) throws(TokenizationError) -> String {
        guard let text = try optionalText(key) else { throw missing(key) }
        return text
    }

    func optionalText(_ key: String) throws(TokenizationError) -> String? {
        do { return try metadata.text(key) } catch { throw mistyped(key, error) }
    }

    func flag(_ key: String) throws(TokenizationError) -> Bool? {
        do { return try metadata.flag(key) } catch { throw mistyped(key, error) }
    }

    func id(_ key: String) throws(TokenizationError) -> Int32? {
        let value: Int?
        do { value = try metadata.integer(key) } catch { throw mistyped(key, error) }
        guard let value else { return nil }
        guard let id = Int32(exactly: value) else {
            throw .malformed(field: key, reason: "\(value) in \(metadata.file) is no token id")
        }
        return id
    }

    func strings(_ key: String, countMax: Int) throws(TokenizationError) -> PackedStrings {
        let array = try array(key, of: .text)
        try VocabularyLimits.check(key, array.count, countMax)
        var strings = PackedStrings()
        for index in 0..<array.count {
            strings.append(array.textBytes(at: index))
            try VocabularyLimits.check(key + " in bytes", strings.bytes.count, VocabularyLimits.textBytesMax)
        }
        return strings
    }

    func kinds(_ key: String, count: Int) throws(TokenizationError) -> [VocabularySource.TokenKind] {
        let array = try array(key, of: nil)
        guard array.count == count else {
            throw .malformed(field: key, reason: "has \(array.count) entries for \(count) tokens in \(metadata.file)")
        }
        var kinds: [VocabularySource.TokenKind] = []
        kinds.reserveCapacity(count)
        for index in 0..<count {
            let value = array.integer(at: index).flatMap { UInt8(exactly: $0) }
            guard let value, let kind = VocabularySource.TokenKind(rawValue: value) else {
                throw .malformed(field: "\(key)[\(index)]", reason: "is no token type (1 to 6) in \(metadata.file)")
            }
            kinds.append(kind)
        }
        return kinds
    }

    private func array(_ key: String, of type: MetadataType?) throws(TokenizationError) -> MetadataArray {
        let array: MetadataArray?
        do { array = try metadata.array(key, of: type) } catch { throw mistyped(key, error) }
        guard let array else { throw missing(key) }
        return array
    }

    private func missing(_ key: String) -> TokenizationError {
        .malformed(field: key, reason: "is missing from \(metadata.file)")
    }

    private func mistyped(_ key: String, _ error: WeightsError) -> TokenizationError {
        .malformed(field: key, reason: "\(error)")
    }
}
