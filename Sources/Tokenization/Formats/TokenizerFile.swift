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
    }

    struct Model {
        var vocabulary: [String: Int32] = [:]
        var merges = PackedStrings()
        var unknownToken: String?
        var ignoresMerges: Bool
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
        id = try place["id"].required(try place["id"].id())
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
        // Files before 2021 leave the type out.
        let type = try place["type"].text() ?? "BPE"
        guard type == "BPE" else { throw .unsupportedModel(type) }
        if try place["byte_fallback"].flag() == true { throw .unsupported(feature: "model.byte_fallback") }
        for key in ["continuing_subword_prefix", "end_of_word_suffix"] {
            if try place[key].text()?.isEmpty == false { throw .unsupported(feature: "model.\(key)") }
        }
        unknownToken = try place["unk_token"].text()
        ignoresMerges = try place["ignore_merges"].flag() ?? false
        vocabulary = try Self.vocabulary(place["vocab"])
        merges = try Self.merges(place["merges"])
    }

    private static func vocabulary(_ place: JSONPlace) throws(TokenizationError) -> [String: Int32] {
        let members = try place.required(try place.read("an object", \.objectValue))
        try VocabularyLimits.check(place.path, members.count, VocabularyLimits.tokensMax)
        var vocabulary = [String: Int32](minimumCapacity: members.count)
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
