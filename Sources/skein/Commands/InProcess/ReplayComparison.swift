import Inference
import Tokenization

/// `skein replay --json`: an answer and its replay.
struct ReplayComparison: Encodable {
    /// What leaving experts out does.
    struct Changes: Encodable {
        /// Of the first token that is another; nil: none is.
        let firstChanged: Int?
        /// Positions at which both have a token, and another one.
        let changed: [Int]
        let tokens: [Int32]
        let text: String

        init(_ old: [Int32], _ new: [Int32], _ text: String) {
            changed = zip(old, new).enumerated().filter { $0.element.0 != $0.element.1 }.map(\.offset)
            firstChanged = changed.first ?? (old.count == new.count ? nil : min(old.count, new.count))
            tokens = new
            self.text = text
        }
    }

    let tokens: [Int32]
    let text: String
    /// Tokens, their number and, where the receipt has them, their log probabilities to the bit.
    let isEqual: Bool
    /// Of the first generated token that differs, or whose log probability does.
    let firstDifference: Int?
    /// Whether the receipt has log probabilities, so that they were compared too.
    let comparedLogprobs: Bool
    var without: [String] = []
    var changes: Changes?

    init(_ receipt: AnswerReceipt, _ replay: Generation) {
        tokens = replay.tokens.map(\.id)
        text = replay.text
        comparedLogprobs = receipt.logprobs != nil
        firstDifference = Self.firstDifference(
            (receipt.tokens, receipt.logprobs), (replay.tokens.map(\.id), replay.tokens.map(\.logprob)))
        isEqual = firstDifference == nil
    }

    /// Equal bits, so that two NaN are equal and 0 is not -0.
    static func firstDifference(
        _ recorded: (tokens: [Int32], logprobs: [Float]?), _ replayed: (tokens: [Int32], logprobs: [Float?])
    ) -> Int? {
        let both = min(recorded.tokens.count, replayed.tokens.count)
        for index in 0..<both {
            if recorded.tokens[index] != replayed.tokens[index] { return index }
            if let logprobs = recorded.logprobs, logprobs[index].bitPattern != replayed.logprobs[index]?.bitPattern {
                return index
            }
        }
        return recorded.tokens.count == replayed.tokens.count ? nil : both
    }

    func words(_ tokenizer: Tokenizer) -> String {
        var lines: [String] = []
        if let firstDifference {
            let token = firstDifference < tokens.count ? tokenizer.decode([tokens[firstDifference]]) : "nothing"
            lines.append("differs from token \(firstDifference) on, which is now: \(token)")
        } else {
            let what = comparedLogprobs ? "tokens and log probabilities" : "tokens"
            lines.append("equal: \(tokens.count) \(what)")
        }
        guard let changes else { return (lines + [text]).joined(separator: "\n") }
        let names = without.joined(separator: ", ")
        guard let first = changes.firstChanged else {
            return (lines + ["without \(names): no token changes"]).joined(separator: "\n")
        }
        lines.append(
            "without \(names): \(changes.changed.count) of \(tokens.count) tokens change, the first is token \(first)")
        return (lines + ["with:    \(text)", "without: \(changes.text)"]).joined(separator: "\n")
    }
}
