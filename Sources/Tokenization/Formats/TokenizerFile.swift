/// The part of Hugging Face's `tokenizer.json` that decides ids.
struct TokenizerFile: Decodable {
    struct Added: Decodable {
        var id: Int32
        var content: String
        var special: Bool?
        var normalized: Bool?
        var lstrip: Bool?
        var rstrip: Bool?
        var singleWord: Bool?

        enum CodingKeys: String, CodingKey {
            case id, content, special, normalized, lstrip, rstrip
            case singleWord = "single_word"
        }
    }

    /// A normaliser, pre-tokenizer or post-processor: a type and the options of whichever it is.
    struct Component: Decodable {
        struct Pattern: Decodable {
            var regex: String?

            enum CodingKeys: String, CodingKey { case regex = "Regex" }
        }

        struct TemplateItem: Decodable {
            struct Special: Decodable { var id: String }
            var special: Special?

            enum CodingKeys: String, CodingKey { case special = "SpecialToken" }
        }

        var type: String
        var normalizers: [Component]?
        var preTokenizers: [Component]?
        var processors: [Component]?
        var pattern: Pattern?
        var behavior: String?
        var invert: Bool?
        var individualDigits: Bool?
        var addPrefixSpace: Bool?
        var useRegex: Bool?
        var single: [TemplateItem]?

        enum CodingKeys: String, CodingKey {
            case type, normalizers, processors, pattern, behavior, invert, single
            case preTokenizers = "pretokenizers"
            case individualDigits = "individual_digits"
            case addPrefixSpace = "add_prefix_space"
            case useRegex = "use_regex"
        }
    }

    /// A merge is `"left right"` in older files and `["left", "right"]` in newer ones.
    struct Merge: Decodable {
        var text: String

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let text = try? container.decode(String.self) {
                self.text = text
            } else {
                text = try container.decode([String].self).joined(separator: " ")
            }
        }
    }

    struct Model: Decodable {
        /// Files before 2021 leave it out.
        var type: String?
        var vocab: [String: Int32]
        var merges: [Merge]
        var unknownToken: String?
        var subwordPrefix: String?
        var wordSuffix: String?
        var byteFallback: Bool?
        var ignoreMerges: Bool?

        enum CodingKeys: String, CodingKey {
            case type, vocab, merges
            case unknownToken = "unk_token"
            case subwordPrefix = "continuing_subword_prefix"
            case wordSuffix = "end_of_word_suffix"
            case byteFallback = "byte_fallback"
            case ignoreMerges = "ignore_merges"
        }
    }

    var addedTokens: [Added]?
    var normalizer: Component?
    var preTokenizer: Component?
    var postProcessor: Component?
    var model: Model

    enum CodingKeys: String, CodingKey {
        case normalizer, model
        case addedTokens = "added_tokens"
        case preTokenizer = "pre_tokenizer"
        case postProcessor = "post_processor"
    }
}

/// The part of `tokenizer_config.json` that concerns special tokens and the chat template.
struct TokenizerConfiguration: Decodable {
    /// A token's text, plain or inside an object.
    struct Token: Decodable {
        var content: String

        private struct Wrapped: Decodable { var content: String }

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let text = try? container.decode(String.self) {
                content = text
            } else {
                content = try container.decode(Wrapped.self).content
            }
        }
    }

    /// One template, or a list of named ones of which `default` counts.
    struct Templates: Decodable {
        var text: String?

        private struct Named: Decodable {
            var name: String
            var template: String
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let text = try? container.decode(String.self) {
                self.text = text
            } else {
                text = try container.decode([Named].self).first { $0.name == "default" }?.template
            }
        }
    }

    var beginOfSequence: Token?
    var endOfSequence: Token?
    var addsBeginOfSequence: Bool?
    var chatTemplate: Templates?

    enum CodingKeys: String, CodingKey {
        case beginOfSequence = "bos_token"
        case endOfSequence = "eos_token"
        case addsBeginOfSequence = "add_bos_token"
        case chatTemplate = "chat_template"
    }
}
