import Tokenization

/// Tokens to text, whatever a token is.
struct AnswerDecoder {
    private enum Kind {
        case model(StreamingDecoder)
        case bytes(UTF8Stream)
    }

    private var kind: Kind

    init(_ vocabulary: AnswerStyle.Vocabulary) {
        kind =
            switch vocabulary {
            case .model(let tokenizer): .model(StreamingDecoder(tokenizer))
            case .bytes: .bytes(UTF8Stream())
            }
    }

    /// The text that a token completes.
    mutating func append(_ token: Int32) -> String {
        switch kind {
        case .model(var decoder):
            defer { kind = .model(decoder) }
            return decoder.append(token)
        case .bytes(var stream):
            defer { kind = .bytes(stream) }
            return stream.append([UInt8(truncatingIfNeeded: token)])
        }
    }

    mutating func finish() -> String {
        switch kind {
        case .model(var decoder):
            defer { kind = .model(decoder) }
            return decoder.finish()
        case .bytes(var stream):
            defer { kind = .bytes(stream) }
            return stream.finish()
        }
    }
}
