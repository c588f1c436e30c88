import Weights

/// The part of Hugging Face's `tokenizer.json` that decides ids.
struct TokenizerFile {
    struct Added {
        var id: Int32
        var content: String
        var isSpecial: Bool
        var isNormalized: Bool
        var stripsLeft: Bool
        var stripsRight: Bool
        var isSingleWord: Bool
    }

    /// A normaliser or pre-tokenizer: a type and the options of whichever it is.
    struct Component {
        var type: String
        var regex: String?
        var behavior: String?
        var inverts: Bool
        var individualDigits: Bool?
        var addsPrefixSpace: Bool?
        var usesRegex: Bool?
        var literal: String?
        var content: String?
        /// Base64.
        var characterMap: String?
        var replacement: String?
        var prependScheme: String?
        var splits: Bool?
        var prepends: String?
        var stripsLeft: Bool?
        var stripsRight: Bool?
    }

    struct Model {
        enum Kind { case bpe, unigram }

        var kind = Kind.bpe
        var vocabulary: [ExactText: Int32] = [:]
        var merges = PackedStrings()
        /// Of unigram, by id.
        var scores: [Double] = []
        var unknownToken: String?
        /// Of unigram.
        var unknownID: Int32?
        var ignoresMerges = false
        var hasByteFallback = false

        /// Pieces spell spaces `▁`, not bytes in an alphabet of their own.
        var isSentencePiece: Bool { kind == .unigram || hasByteFallback }
    }

    var added: [Added] = []
    var normalizers: [Component]
    var preTokenizers: [Component]
    /// The token that the post-processor puts before a single text.
    var leadingToken: String?
    var model: Model

    init(_ file: JSONPlace) throws(TokenizationError) {
        for place in try file["added_tokens"].elements() ?? [] { added.append(try Added(place)) }
        normalizers = try Component.sequence(file["normalizer"], of: "normalizers")
        preTokenizers = try Component.sequence(file["pre_tokenizer"], of: "pretokenizers")
        leadingToken = try Self.leadingToken(file["post_processor"])
        model = try Model(file["model"])
    }

    private static func leadingToken(_ place: JSONPlace) throws(TokenizationError) -> String? {
        for processor in try place["processors"].elements() ?? [place] {
            guard let items = try processor["single"].elements() else { continue }
            return try items.first?["SpecialToken"]["id"].text()
        }
        return nil
    }
}

extension TokenizerFile.Added {
    init(_ place: JSONPlace) throws(TokenizationError) {
        try self.init(place, id: try place["id"].required(try place["id"].id()))
    }

    init(_ place: JSONPlace, id: Int32) throws(TokenizationError) {
        self.id = id
        content = try place["content"].required(try place["content"].text())
        isSpecial = try place["special"].flag() ?? false
        isNormalized = try place["normalized"].flag() ?? !isSpecial
        stripsLeft = try place["lstrip"].flag() ?? false
        stripsRight = try place["rstrip"].flag() ?? false
        isSingleWord = try place["single_word"].flag() ?? false
    }
}

extension TokenizerFile.Component {
    init(_ place: JSONPlace) throws(TokenizationError) {
        type = try place["type"].required(try place["type"].text())
        regex = try place["pattern"]["Regex"].text()
        behavior = try place["behavior"].text()
        inverts = try place["invert"].flag() ?? false
        individualDigits = try place["individual_digits"].flag()
        addsPrefixSpace = try place["add_prefix_space"].flag()
        usesRegex = try place["use_regex"].flag()
        literal = try place["pattern"]["String"].text()
        content = try place["content"].text()
        characterMap = try place["precompiled_charsmap"].text()
        replacement = try place["replacement"].text()
        prependScheme = try place["prepend_scheme"].text()
        splits = try place["split"].flag()
        prepends = try place["prepend"].text()
        stripsLeft = try place["strip_left"].flag()
        stripsRight = try place["strip_right"].flag()
    }

    /// The steps of a `Sequence`, or the one component that is there, or none.
    static func sequence(_ place: JSONPlace, of key: String) throws(TokenizationError) -> [Self] {
        guard place.value != nil else { return [] }
        var components: [Self] = []
        for step in try place[key].elements() ?? [place] { components.append(try Self(step)) }
        return components
    }
}

extension TokenizerFile.Model {
    init(_ place: JSONPlace) throws(TokenizationError) {
        hasByteFallback = try place["byte_fallback"].flag() ?? false
        // Files before 2021 leave the type out.
        switch try place["type"].text() ?? "BPE" {
        case "BPE": try readMerges(place)
        case "Unigram": try readScores(place)
        case let type: throw .unsupportedModel(type)
        }
    }

    private mutating func readMerges(_ place: JSONPlace) throws(TokenizationError) {
        for key in ["continuing_subword_prefix", "end_of_word_suffix"] {
            if try place[key].text()?.isEmpty == false { throw .unsupported(feature: "model.\(key)") }
        }
        unknownToken = try place["unk_token"].text()
        ignoresMerges = try place["ignore_merges"].flag() ?? false
        vocabulary = try Self.vocabulary(place["vocab"])
        merges = try Self.merges(place["merges"])
    }

    /// `vocab` is a list of pieces and scores; a piece's id is its place.
    private mutating func readScores(_ place: JSONPlace) throws(TokenizationError) {
        kind = .unigram
        unknownID = try place["unk_id"].id()
        let list = place["vocab"]
        let values = try list.required(try list.read("an array", \.arrayValue))
        try VocabularyLimits.check(list.path, values.count, VocabularyLimits.tokensMax)
        for (id, value) in values.enumerated() {
            guard let pair = value.arrayValue, pair.count == 2, let piece = pair[0].textValue,
                let score = pair[1].numberValue
            else { throw list.malformed("element \(id) is not a piece and its score") }
            guard vocabulary.updateValue(Int32(id), forKey: ExactText(piece)) == nil else {
                throw list.malformed("holds '\(piece)' twice")
            }
            scores.append(score)
        }
    }

    private static func vocabulary(_ place: JSONPlace) throws(TokenizationError) -> [ExactText: Int32] {
        let members = try place.required(try place.read("an object", \.objectValue))
        try VocabularyLimits.check(place.path, members.count, VocabularyLimits.tokensMax)
        var vocabulary = [ExactText: Int32](minimumCapacity: members.count)
        for (text, value) in members {
            guard let id = value.integerValue.flatMap({ Int32(exactly: $0) }), id >= 0 else {
                throw place.malformed("the id of '\(text)' is not one")
            }
            vocabulary[text] = id
        }
        return vocabulary
    }

    /// A merge is `"left right"` in older files and `["left", "right"]` in newer ones.
    private static func merges(_ place: JSONPlace) throws(TokenizationError) -> PackedStrings {
        let values = try place.required(try place.read("an array", \.arrayValue))
        try VocabularyLimits.check(place.path, values.count, VocabularyLimits.mergesMax)
        var merges = PackedStrings()
        for (rank, value) in values.enumerated() {
            if let text = value.textValue {
                merges.append(text.utf8)
            } else if let pair = value.arrayValue, pair.count == 2, let left = pair[0].textValue,
                let right = pair[1].textValue
            {
                merges.append((left + " " + right).utf8)
            } else {
                throw place.malformed("element \(rank) is neither a string nor a pair of strings")
            }
        }
        return merges
    }
}
