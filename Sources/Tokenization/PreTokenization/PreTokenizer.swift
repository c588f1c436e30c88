/// How text is cut into words before merging. Each case is one family's published pattern; `WordScanner` is its matcher.
package enum PreTokenizer: Sendable, Equatable {
    /// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
    case gpt2
    /// Every digit alone, then `gpt2` on each part between.
    case smollm
    /// `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
    case llama3
    /// As `llama3`, but `\p{N}` one at a time.
    case qwen2

    package static let supportedNames = "gpt-2, smollm, llama-bpe, qwen2"

    /// Reads `tokenizer.ggml.pre`.
    package init(ggufName: String) throws(TokenizationError) {
        switch ggufName {
        case "gpt-2", "gpt2": self = .gpt2
        case "smollm": self = .smollm
        case "llama-bpe", "llama3", "llama-v3": self = .llama3
        case "qwen2", "deepseek-r1-qwen": self = .qwen2
        default: throw .unsupportedPreTokenizer(ggufName)
        }
    }

    /// The pattern of `tokenizer.json` that each Split-based case stands for.
    static let llama3Pattern = splitPattern(numbers: #"\p{N}{1,3}"#)
    static let qwen2Pattern = splitPattern(numbers: #"\p{N}"#)

    private static func splitPattern(numbers: String) -> String {
        #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"# + numbers
            + #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
    }
}
