import FoundationEssentials
import SystemReasons

extension VocabularySource {
    /// Writes `tokenizer.json` and `tokenizer_config.json` that Hugging Face's library and this one read as the same tokenizer.
    /// - Throws: what has no place in these files here, and what cannot be written.
    package func write(toFolder folder: String) throws(TokenizationError) {
        guard sentencePiece == nil else {
            throw .unsupported(feature: "writing a SentencePiece tokenizer; copy the model's own files")
        }
        guard !addsBeginOfSequence else {
            throw .unsupported(
                feature: "writing a tokenizer that begins prompts with a token; copy the model's own files")
        }
        try Self.write(TokenizerJSON(self), folder + "/tokenizer.json")
        try Self.write(TokenizerConfigurationJSON(self), folder + "/tokenizer_config.json")
    }

    private static func write(_ value: some Encodable, _ path: String) throws(TokenizationError) {
        let encoder = JSONEncoder()
        // Of members; the keys of a dictionary, such as the vocabulary's, stay as they are.
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do { try encoder.encode(value).write(to: URL(filePath: path)) } catch {
            throw .unreadable(path: path, reason: "cannot be written: \(SystemReason.text(of: error))")
        }
    }
}

/// `tokenizer.json` of byte-level BPE.
private struct TokenizerJSON: Encodable {
    struct Added: Encodable {
        let id: Int32
        let content: String
        let singleWord, lstrip, rstrip, normalized, special: Bool
    }

    struct Step: Encodable {
        var type: String
        var individualDigits, addPrefixSpace, trimOffsets, useRegex, invert: Bool?
        var behavior: String?
        var pattern: [String: String]?
    }

    struct Steps: Encodable {
        let type = "Sequence"
        let pretokenizers: [Step]
    }

    struct Model: Encodable {
        let type = "BPE"
        let byteFallback = false
        let fuseUnk = false
        let ignoreMerges: Bool
        let vocab: [String: Int32]
        let merges: [[String]]
    }

    let version = "1.0"
    let addedTokens: [Added]
    let normalizer: Step?
    let preTokenizer: Steps
    let decoder = Step(type: "ByteLevel", addPrefixSpace: true, trimOffsets: true, useRegex: true)
    let model: Model

    init(_ source: VocabularySource) {
        addedTokens = source.addedTokens.map { token in
            Added(
                id: token.id, content: token.text, singleWord: token.isSingleWord, lstrip: token.stripsLeft,
                rstrip: token.stripsRight, normalized: token.matchesNormalized,
                special: source.kinds[Int(token.id)] != .userDefined)
        }
        normalizer = source.normalizesToNFC ? Step(type: "NFC") : nil
        preTokenizer = Steps(pretokenizers: Self.steps(source.preTokenizer))
        var vocabulary: [String: Int32] = [:]
        for id in 0..<source.tokens.count where source.kinds[id] != .unused {
            vocabulary[source.tokens.string(id)] = Int32(id)
        }
        let merges = (0..<source.merges.count).map { rank in
            source.merges.string(rank).split(separator: " ", maxSplits: 1).map(String.init)
        }
        model = Model(ignoreMerges: source.ignoresMerges, vocab: vocabulary, merges: merges)
    }

    /// The components that each case stands for.
    private static func steps(_ preTokenizer: PreTokenizer) -> [Step] {
        func bytes(_ usesRegex: Bool) -> Step {
            Step(type: "ByteLevel", addPrefixSpace: false, trimOffsets: true, useRegex: usesRegex)
        }
        func split(_ pattern: String) -> Step {
            Step(type: "Split", invert: false, behavior: "Isolated", pattern: ["Regex": pattern])
        }
        switch preTokenizer {
        case .gpt2: return [bytes(true)]
        case .smollm: return [Step(type: "Digits", individualDigits: true), bytes(true)]
        case .llama3: return [split(PreTokenizer.llama3Pattern), bytes(false)]
        case .qwen2: return [split(PreTokenizer.qwen2Pattern), bytes(false)]
        }
    }
}

private struct TokenizerConfigurationJSON: Encodable {
    let tokenizerClass = "PreTrainedTokenizerFast"
    let bosToken, eosToken, chatTemplate: String?

    init(_ source: VocabularySource) {
        func text(_ id: Int32?) -> String? { id.map { source.tokens.string(Int($0)) } }
        bosToken = text(source.beginOfSequence)
        eosToken = text(source.endOfSequence)
        chatTemplate = source.chatTemplate
    }
}
