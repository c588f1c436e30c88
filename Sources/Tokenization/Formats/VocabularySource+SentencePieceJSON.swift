import FoundationEssentials
import Weights

extension VocabularySource {
    /// A `tokenizer.json` made of a SentencePiece model: `Unigram`, or `BPE` with byte fallback.
    init(sentencePiece file: TokenizerFile, _ configuration: TokenizerConfiguration?) throws(TokenizationError) {
        var (tokens, kinds) = try Self.tokens(file.model.vocabulary, file.added)
        let unknown = file.model.unknownID ?? file.model.unknownToken.flatMap { file.model.vocabulary[ExactText($0)] }
        for id in kinds.indices {
            if file.model.hasByteFallback, SentencePieceModel.byte(of: tokens[id]) != nil { kinds[id] = .byte }
            if let unknown, id == unknown { kinds[id] = .unknown }
        }
        var steps: [TextStep] = []
        for component in file.normalizers {
            if let step = try TextStep(component) { steps.append(step) }
        }
        let missing = max(0, tokens.count - file.model.scores.count)
        self.init(
            tokens: tokens, kinds: kinds, merges: file.model.merges, addedTokens: file.added.map(AddedToken.init),
            sentencePiece: SentencePieceSource(
                file.model.kind == .unigram ? .unigram : .mergesByRank,
                scores: file.model.scores + [Double](repeating: 0, count: missing), roundsSums: false,
                hasByteFallback: file.model.hasByteFallback, unknown: unknown,
                preparation: .steps(steps, words: try WordRule(file.preTokenizers))))
        ignoresMerges = file.model.ignoresMerges
        readSpecials(file, configuration)
    }
}

extension TextStep {
    /// nil for a step that changes nothing.
    init?(_ step: TokenizerFile.Component) throws(TokenizationError) {
        switch step.type {
        case "Precompiled":
            guard let text = step.characterMap, let data = Data(base64Encoded: text) else {
                throw .malformed(field: "normalizer.precompiled_charsmap", reason: "is missing or not base64")
            }
            guard let map = try CharacterMap(Array(data), field: "normalizer.precompiled_charsmap") else { return nil }
            self = .map(map)
        case "Strip": self = .strip(left: step.stripsLeft ?? true, right: step.stripsRight ?? true)
        case "Prepend": self = .prepend(step.prepends ?? "")
        case "Replace":
            switch (step.regex, step.literal, step.content) {
            case (" {2,}", nil, let content?): self = .collapseSpaces(content)
            case (nil, let literal?, let content?): self = .replace(literal, with: content)
            default: throw .unsupported(feature: "normalizer '\(step.name)'")
            }
        default: throw .unsupported(feature: "normalizer '\(step.name)'")
        }
    }
}

extension WordRule {
    init(_ steps: [TokenizerFile.Component]) throws(TokenizationError) {
        self.init()
        for (index, step) in steps.enumerated() {
            switch step.type {
            case "WhitespaceSplit" where index == 0: splitsAtWhiteSpace = true
            case "Metaspace" where step.replacement == "▁" && index == steps.count - 1:
                prefix = try Self.prefix(step)
                splitsAtMarks = step.splits ?? true
            default: throw .unsupportedPreTokenizer(steps.map(\.name).joined(separator: " + "))
            }
        }
    }

    /// Files before 2024 have `add_prefix_space` instead.
    private static func prefix(_ step: TokenizerFile.Component) throws(TokenizationError) -> Prefix {
        switch step.prependScheme {
        case "always": .always
        case "first": .first
        case "never": .never
        case nil: step.addsPrefixSpace ?? true ? .always : .never
        case let scheme?: throw .unsupported(feature: "Metaspace with prepend_scheme '\(scheme)'")
        }
    }
}
