import Tokenization

/// One query's answer on its way from tokens to text: characters completed, stop strings found.
///
/// The router has exactly one of these per running query, whichever workers the tokens came from, so a continuation
/// elsewhere has no seam.
struct AnswerText {
    private var decoder: AnswerDecoder
    private var stops: StopMatcher
    private(set) var tokenCount = 0
    /// Bytes of text that came out so far.
    private(set) var byteCount = 0
    /// The number of tokens up to and including the one that completed a stop string.
    private(set) var stoppedAfter: Int?

    init(_ style: AnswerStyle) {
        decoder = AnswerDecoder(style.vocabulary)
        stops = style.stops
    }

    /// The text that is certain now that this token is there; tokens after a stop are ignored.
    mutating func append(_ token: Int32) -> String {
        guard stoppedAfter == nil else { return "" }
        tokenCount += 1
        let text = stops.append(decoder.append(token))
        if stops.stop != nil { stoppedAfter = tokenCount }
        byteCount += text.utf8.count
        return text
    }

    /// What was held back: the start of a stop string that never came, bytes that never became a character.
    mutating func finish() -> String {
        guard stoppedAfter == nil else { return "" }
        var rest = stops.append(decoder.finish())
        if stops.stop == nil { rest += stops.finish() }
        byteCount += rest.utf8.count
        return rest
    }
}

/// What turning a query's tokens into text depends on besides the tokens.
struct AnswerStyle {
    enum Vocabulary {
        case model(Tokenizer)
        /// Of a server outside the cluster: each byte counts as a token.
        case bytes
    }

    let vocabulary: Vocabulary
    /// Nothing matched yet.
    let stops: StopMatcher
}
