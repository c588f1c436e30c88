import Weights

/// The part of `tokenizer_config.json` that concerns special tokens and the chat template.
struct TokenizerConfiguration {
    var beginOfSequence: String?
    var endOfSequence: String?
    var chatTemplate: String?
    /// Of tokenizers without a `tokenizer.json`: nil where the file does not say.
    var addsBeginOfSequence: Bool?
    /// `added_tokens_decoder`: by id.
    var added: [TokenizerFile.Added] = []

    init(_ file: JSONPlace) throws(TokenizationError) {
        beginOfSequence = try Self.token(file["bos_token"])
        endOfSequence = try Self.token(file["eos_token"])
        chatTemplate = try Self.template(file["chat_template"])
        addsBeginOfSequence = try file["add_bos_token"].flag()
        if addsBeginOfSequence == nil, let name = try file["tokenizer_class"].text() {
            addsBeginOfSequence = name.hasPrefix("Llama")
        }
        added = try Self.added(file["added_tokens_decoder"])
    }

    /// A token's text, plain or inside an object.
    private static func token(_ place: JSONPlace) throws(TokenizationError) -> String? {
        place.value?.objectValue == nil ? try place.text() : try place["content"].text()
    }

    /// One template, or a list of named ones of which `default` counts.
    private static func template(_ place: JSONPlace) throws(TokenizationError) -> String? {
        guard place.value?.arrayValue != nil else { return try place.text() }
        for named in try place.elements() ?? [] where try named["name"].text() == "default" {
            return try named["template"].text()
        }
        return nil
    }

    private static func added(_ place: JSONPlace) throws(TokenizationError) -> [TokenizerFile.Added] {
        let members = try place.read("an object", \.objectValue) ?? [:]
        try VocabularyLimits.check(place.path, members.count, VocabularyLimits.addedTokensMax)
        return try members.keys.map { key throws(TokenizationError) in
            guard let id = Int32(key.text), id >= 0 else { throw place.malformed("'\(key)' is no token id") }
            return try TokenizerFile.Added(place[key.text], id: id)
        }
    }
}
