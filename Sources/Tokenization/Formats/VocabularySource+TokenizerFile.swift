extension VocabularySource {
    /// - Throws: what the file asks for and this library does not do, by name.
    init(_ file: TokenizerFile, _ configuration: TokenizerConfiguration?) throws(TokenizationError) {
        try Self.check(file.model)
        let added = file.addedTokens ?? []
        try VocabularyLimits.check("added_tokens", added.count, VocabularyLimits.addedTokensMax)
        let (tokens, kinds) = try Self.tokens(file.model.vocab, added)
        try VocabularyLimits.check("model.merges", file.model.merges.count, VocabularyLimits.mergesMax)
        self.init(
            tokens: tokens, kinds: kinds, merges: PackedStrings(file.model.merges.lazy.map(\.text)),
            addedTokens: added.map(AddedToken.init), preTokenizer: try PreTokenizer(file.preTokenizer))
        normalizesToNFC = try Self.isNFC(file.normalizer)
        ignoresMerges = file.model.ignoreMerges ?? false
        try readSpecials(file, configuration)
    }

    private mutating func readSpecials(
        _ file: TokenizerFile, _ configuration: TokenizerConfiguration?
    ) throws(TokenizationError) {
        func id(_ text: String?) -> Int32? {
            text.flatMap { text in file.model.vocab[text] ?? addedTokens.first { $0.text == text }?.id }
        }
        let processors = file.postProcessor.map { $0.processors ?? [$0] } ?? []
        let leading = processors.compactMap(\.single).first?.first?.special?.id
        beginOfSequence = id(configuration?.beginOfSequence?.content) ?? id(leading)
        endOfSequence = id(configuration?.endOfSequence?.content)
        // The post-processor is what the library runs; the configuration's flag only says how to build one.
        addsBeginOfSequence = leading != nil && id(leading) == beginOfSequence
        chatTemplate = configuration?.chatTemplate?.text
    }

    private static func check(_ model: TokenizerFile.Model) throws(TokenizationError) {
        guard model.type ?? "BPE" == "BPE" else { throw .unsupportedModel(model.type ?? "") }
        if model.byteFallback == true { throw .unsupported(feature: "model.byte_fallback") }
        if model.subwordPrefix?.isEmpty == false { throw .unsupported(feature: "model.continuing_subword_prefix") }
        if model.wordSuffix?.isEmpty == false { throw .unsupported(feature: "model.end_of_word_suffix") }
        if let unknown = model.unknownToken, model.vocab[unknown] != nil, !hasAllBytes(model.vocab) {
            throw .unsupported(feature: "model.unk_token with a vocabulary that lacks bytes")
        }
    }

    private static func hasAllBytes(_ vocab: [String: Int32]) -> Bool {
        var raw: [UInt8] = []
        return vocab.keys.filter { $0.unicodeScalars.count == 1 && ByteAlphabet.decode(Array($0.utf8)[...], into: &raw) }
            .count == 256
    }

    /// Tokens by id, from the model's vocabulary and the added tokens; ids in neither are unused.
    private static func tokens(
        _ vocab: [String: Int32], _ added: [TokenizerFile.Added]
    ) throws(TokenizationError) -> (PackedStrings, [TokenKind]) {
        let highest = max(vocab.values.max() ?? -1, added.map(\.id).max() ?? -1)
        let lowest = min(vocab.values.min() ?? 0, added.map(\.id).min() ?? 0)
        guard lowest >= 0 else { throw .malformed(field: "model.vocab", reason: "has the negative id \(lowest)") }
        try VocabularyLimits.check("highest id", Int(highest), VocabularyLimits.tokensMax - 1)
        var texts = [String?](repeating: nil, count: Int(highest) + 1)
        var kinds = [TokenKind](repeating: .unused, count: texts.count)
        for (text, id) in vocab {
            guard texts[Int(id)] == nil else {
                throw .malformed(field: "model.vocab", reason: "the id \(id) has two tokens, one is '\(text)'")
            }
            texts[Int(id)] = text
            kinds[Int(id)] = .normal
        }
        for token in added {
            texts[Int(token.id)] = token.content
            if token.special == true {
                kinds[Int(token.id)] = .control
            } else if kinds[Int(token.id)] == .unused {
                kinds[Int(token.id)] = .userDefined
            }
        }
        return (PackedStrings(texts.lazy.map { $0 ?? "" }), kinds)
    }

    private static func isNFC(_ normalizer: TokenizerFile.Component?) throws(TokenizationError) -> Bool {
        guard let normalizer else { return false }
        let steps = normalizer.normalizers ?? [normalizer]
        for step in steps where step.type != "NFC" { throw .unsupported(feature: "normalizer '\(step.type)'") }
        return !steps.isEmpty
    }
}

extension VocabularySource.AddedToken {
    init(_ token: TokenizerFile.Added) {
        self.init(id: token.id, text: token.content)
        matchesNormalized = token.normalized ?? (token.special != true)
        stripsLeft = token.lstrip ?? false
        stripsRight = token.rstrip ?? false
        isSingleWord = token.singleWord ?? false
    }
}

extension PreTokenizer {
    /// Recognises the components of `tokenizer.json` that each case stands for.
    init(_ component: TokenizerFile.Component?) throws(TokenizationError) {
        guard let component else { throw .unsupportedPreTokenizer("none") }
        let steps = component.preTokenizers ?? [component]
        let name = steps.map(\.name).joined(separator: " + ")
        guard let last = steps.last, last.type == "ByteLevel", last.addPrefixSpace == false else {
            throw .unsupportedPreTokenizer(name)
        }
        switch (steps.count, steps[0].type, last.useRegex ?? true) {
        case (1, "ByteLevel", true): self = .gpt2
        case (2, "Digits", true) where steps[0].individualDigits == true: self = .smollm
        case (2, "Split", false) where steps[0].isolates(Self.llama3Pattern): self = .llama3
        case (2, "Split", false) where steps[0].isolates(Self.qwen2Pattern): self = .qwen2
        default: throw .unsupportedPreTokenizer(name)
        }
    }
}

extension TokenizerFile.Component {
    fileprivate func isolates(_ regex: String) -> Bool {
        pattern?.regex == regex && behavior == "Isolated" && invert != true
    }

    /// For messages: the type and what distinguishes it.
    fileprivate var name: String {
        let details = [
            pattern?.regex, behavior, addPrefixSpace == true ? "add_prefix_space" : nil,
            useRegex == false ? "without its pattern" : nil,
        ]
        let told = details.compactMap(\.self).joined(separator: ", ")
        return told.isEmpty ? type : "\(type)(\(told))"
    }
}
