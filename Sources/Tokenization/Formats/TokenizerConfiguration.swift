import Weights

/// The part of `tokenizer_config.json` that concerns special tokens and the chat template.
struct TokenizerConfiguration {
    var beginOfSequence: String?
    var endOfSequence: String?
    var chatTemplate: String?

    init(_ file: JSONPlace) throws(TokenizationError) {
        beginOfSequence = try Self.token(file["bos_token"])
        endOfSequence = try Self.token(file["eos_token"])
        chatTemplate = try Self.template(file["chat_template"])
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
}
