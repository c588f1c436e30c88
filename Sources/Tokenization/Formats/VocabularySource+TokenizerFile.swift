import Weights

extension VocabularySource {
    /// - Throws: what the file asks for and this library does not do, by name.
    init(_ file: TokenizerFile, _ configuration: TokenizerConfiguration?) throws(TokenizationError) {
        try VocabularyLimits.check("added_tokens", file.added.count, VocabularyLimits.addedTokensMax)
        if file.model.isSentencePiece {
            if file.preTokenizers.contains(where: { $0.type == "ByteLevel" }) {
                throw .unsupported(feature: "model.byte_fallback")
            }
            self = try VocabularySource(sentencePiece: file, configuration)
            return
        }
        if let unknown = file.model.unknownToken, !Self.hasAllBytes(file.model.vocabulary) {
            throw .unsupported(feature: "model.unk_token '\(unknown)' with a vocabulary that lacks bytes")
        }
        let (tokens, kinds) = try Self.tokens(file.model.vocabulary, file.added)
        self.init(
            tokens: tokens, kinds: kinds, merges: file.model.merges, addedTokens: file.added.map(AddedToken.init),
            preTokenizer: try PreTokenizer(file.preTokenizers))
        for step in file.normalizers where step.type != "NFC" {
            throw .unsupported(feature: "normalizer '\(step.type)'")
        }
        normalizesToNFC = !file.normalizers.isEmpty
        ignoresMerges = file.model.ignoresMerges
        readSpecials(file, configuration)
    }

    mutating func readSpecials(_ file: TokenizerFile, _ configuration: TokenizerConfiguration?) {
        func id(_ text: String?) -> Int32? {
            text.flatMap { text in file.model.vocabulary[ExactText(text)] ?? file.added.first { $0.content == text }?.id
            }
        }
        beginOfSequence = id(configuration?.beginOfSequence ?? file.leadingToken)
        endOfSequence = id(configuration?.endOfSequence)
        // The post-processor is what the library runs; the configuration's flag only says how to build one.
        addsBeginOfSequence = file.leadingToken != nil && id(file.leadingToken) == beginOfSequence
        chatTemplate = configuration?.chatTemplate
    }

    private static func hasAllBytes(_ vocabulary: [ExactText: Int32]) -> Bool {
        var raw: [UInt8] = []
        let bytes = vocabulary.keys.map(\.text).filter {
            $0.unicodeScalars.count == 1 && ByteAlphabet.decode(Array($0.utf8)[...], appendingTo: &raw)
        }
        return bytes.count == 256
    }

    /// Tokens by id, from the model's vocabulary and the added tokens; ids in neither are unused.
    static func tokens(
        _ vocabulary: [ExactText: Int32], _ added: [TokenizerFile.Added]
    ) throws(TokenizationError) -> (PackedStrings, [TokenKind]) {
        let highest = max(vocabulary.values.max() ?? -1, added.map(\.id).max() ?? -1)
        try VocabularyLimits.check("highest id", Int(highest), VocabularyLimits.tokensMax - 1)
        var texts = [String?](repeating: nil, count: Int(highest) + 1)
        var kinds = [TokenKind](repeating: .unused, count: texts.count)
        for (text, id) in vocabulary {
            if let other = texts[Int(id)] {
                throw .malformed(field: "model.vocab", reason: "the id \(id) is both '\(other)' and '\(text)'")
            }
            texts[Int(id)] = text.text
            kinds[Int(id)] = .normal
        }
        for token in added {
            if kinds[Int(token.id)] == .unused || token.isSpecial {
                kinds[Int(token.id)] = token.isSpecial ? .control : .userDefined
            }
            texts[Int(token.id)] = token.content
        }
        return (PackedStrings(texts.lazy.map { $0 ?? "" }), kinds)
    }
}

extension VocabularySource.AddedToken {
    init(_ token: TokenizerFile.Added) {
        self.init(id: token.id, text: token.content)
        matchesNormalized = token.isNormalized
        stripsLeft = token.stripsLeft
        stripsRight = token.stripsRight
        isSingleWord = token.isSingleWord
    }
}

extension PreTokenizer {
    /// Recognises the components of `tokenizer.json` that each case stands for.
    init(_ steps: [TokenizerFile.Component]) throws(TokenizationError) {
        let name = steps.isEmpty ? "none" : steps.map(\.name).joined(separator: " + ")
        guard let last = steps.last, last.type == "ByteLevel", last.addsPrefixSpace == false else {
            throw .unsupportedPreTokenizer(name)
        }
        switch (steps.count, steps[0].type, last.usesRegex ?? true) {
        case (1, "ByteLevel", true): self = .gpt2
        case (2, "Digits", true) where steps[0].individualDigits == true: self = .smollm
        case (2, "Split", false) where steps[0].isolates(Self.llama3Pattern): self = .llama3
        case (2, "Split", false) where steps[0].isolates(Self.qwen2Pattern): self = .qwen2
        default: throw .unsupportedPreTokenizer(name)
        }
    }
}

extension TokenizerFile.Component {
    fileprivate func isolates(_ pattern: String) -> Bool {
        regex == pattern && behavior == "Isolated" && !inverts
    }

    /// For messages: the type and what distinguishes it.
    var name: String {
        let details = [
            regex, literal, behavior, addsPrefixSpace == true ? "add_prefix_space" : nil,
            usesRegex == false ? "use_regex: false" : nil,
        ]
        let told = details.compactMap(\.self).joined(separator: ", ")
        return told.isEmpty ? type : "\(type)(\(told))"
    }
}
