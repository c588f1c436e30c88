/// Why a tokenizer could not be built or a conversation could not be rendered. Encoding and decoding themselves never fail.
package enum TokenizationError: Error, Equatable, Sendable, CustomStringConvertible {
    case unreadable(path: String, reason: String)
    /// A field of the file contradicts itself or the rest of the file.
    case malformed(field: String, reason: String)
    case overLimit(field: String, count: Int, limit: Int)
    /// The vocabulary's algorithm, e.g. `bert` (WordPiece).
    case unsupportedModel(String)
    case unsupportedPreTokenizer(String)
    case unsupported(feature: String)
    /// The head of a template that no known renderer matches.
    case unknownChatTemplate(String)
    /// A token that the chat template inserts and the vocabulary lacks.
    case missingSpecialToken(String)
    case emptyConversation
    case invalidStopString(index: Int, reason: String)

    package var description: String {
        switch self {
        case .unreadable(let path, let reason):
            // What the file's reader says often begins with the path.
            reason.hasPrefix("\(path):") ? "cannot read \(reason)" : "cannot read \(path): \(reason)"
        case .malformed(let field, let reason):
            "malformed tokenizer, field \(field): \(reason)"
        case .overLimit(let field, let count, let limit):
            "tokenizer field \(field): \(count) is over the limit of \(limit)"
        case .unsupportedModel(let name):
            "tokenizer model '\(name)' is not supported; supported: byte-level BPE ('gpt2' in GGUF, 'BPE' in "
                + "tokenizer.json) and SentencePiece ('llama', 't5'; 'Unigram', 'BPE' with byte_fallback)"
        case .unsupportedPreTokenizer(let name):
            "pre-tokenizer '\(name)' is not supported; supported: \(PreTokenizer.supportedNames)"
        case .unsupported(let feature):
            "tokenizer feature not supported: \(feature)"
        case .unknownChatTemplate(let head):
            "unknown chat template, beginning '\(head)'; send the prompt without a template, or as token ids"
        case .missingSpecialToken(let text):
            "the chat template inserts '\(text)', which is no special token of this vocabulary"
        case .emptyConversation:
            "a conversation needs at least one message"
        case .invalidStopString(let index, let reason):
            "stop string \(index): \(reason)"
        }
    }
}
