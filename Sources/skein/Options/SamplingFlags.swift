import ArgumentParser

/// The sampling options that `generate`, `query` and `chat` share. Ranges are checked where the values are used.
struct SamplingFlags: ParsableArguments {
    @Option(help: "0 is greedy.") var temperature: Float = 0
    @Option(name: .customLong("top-k"), help: "Keep the k most probable tokens; 0 is off.") var topK: Int = 0
    @Option(name: .customLong("top-p"), help: "Keep the most probable tokens that together reach p; 1 is off.")
    var topP: Float = 1
    @Option(name: .customLong("min-p"), help: "Keep tokens of at least p times the top probability; 0 is off.")
    var minP: Float = 0
    @Option(name: .customLong("repetition-penalty"), help: "1 is off.") var repetitionPenalty: Float = 1
    @Option(name: .customLong("repetition-window"), help: "Tokens looked back at.") var repetitionWindow: Int = 64
    @Option(help: "Equal seeds give equal answers.") var seed: UInt64 = 0
    @Option(name: .customLong("max-tokens"), help: "Tokens to generate at most.") var maxTokens: Int = 256
    @Option(name: .customLong("stop"), help: "A string that ends the answer before it; repeatable.") var stop:
        [String] = []
    @Option(name: .customLong("top-logprobs"), help: "Report the N most probable alternatives per token.")
    var topLogprobs: Int = 0
}
