import ArgumentParser
import Inference
import Messaging
import Tokenization

/// The sampling options that `generate`, `query` and `chat` share.
struct SamplingFlags: ParsableArguments {
    @Option(parsing: .unconditional, help: "0 is greedy.") var temperature: Float = 0
    @Option(name: .customLong("top-k"), parsing: .unconditional, help: "Keep the k most probable tokens; 0 is off.")
    var topK: Int = 0
    @Option(
        name: .customLong("top-p"), parsing: .unconditional,
        help: "Keep the most probable tokens that together reach p; 1 is off.")
    var topP: Float = 1
    @Option(
        name: .customLong("min-p"), parsing: .unconditional,
        help: "Keep tokens of at least p times the top probability; 0 is off.")
    var minP: Float = 0
    @Option(name: .customLong("repetition-penalty"), parsing: .unconditional, help: "1 is off.")
    var repetitionPenalty: Float = 1
    @Option(name: .customLong("repetition-window"), parsing: .unconditional, help: "Tokens looked back at.")
    var repetitionWindow: Int = 64
    @Option(parsing: .unconditional, help: "Equal seeds give equal answers.") var seed: UInt64 = 0
    @Option(
        name: .customLong("max-tokens"), parsing: .unconditional,
        help: "Tokens to generate at most (default: \(Self.defaultMaxTokens) in process, in a cluster the topology's).")
    var maxTokens: Int?
    @Option(
        name: .customLong("stop"), parsing: .unconditionalSingleValue,
        help: "A string that ends the answer before it; repeatable.")
    var stop: [String] = []
    @Option(
        name: .customLong("top-logprobs"), parsing: .unconditional,
        help: "With --json: report the N most probable alternatives per token.")
    var topLogprobs: Int = 0

    static let defaultMaxTokens = 256

    /// What no model and no cluster could serve is a usage error; the rest is theirs to refuse.
    func validate() throws {
        do { try options.validate() } catch { throw ValidationError(Self.flagged(error).description) }
        do { _ = try StopMatcher(stop) } catch { throw ValidationError(error.description) }
        guard UInt32(exactly: topK) != nil else { throw ValidationError("--top-k is \(topK); it must fit 32 bits") }
        guard (0...GenerationRequest.topLogprobsMax).contains(topLogprobs) else {
            throw ValidationError(
                "--top-logprobs is \(topLogprobs); it must be 0 ... \(GenerationRequest.topLogprobsMax)")
        }
        if let maxTokens, !(1...Int(Int32.max)).contains(maxTokens) {
            throw ValidationError("--max-tokens is \(maxTokens); it must be 1 ... \(Int32.max)")
        }
    }

    /// A command that would not show them must not let them be computed in vain.
    func refuseTopLogprobs(unless showsThem: Bool) throws {
        guard topLogprobs == 0 || showsThem else {
            throw ValidationError("--top-logprobs is only shown by `query --json` and `generate --json`; drop it")
        }
    }

    /// The engine knows parameters (`topP`), a person flags (`--top-p`).
    private static func flagged(_ error: SamplingOptionsError) -> SamplingOptionsError {
        let words = error.parameter.map { $0.isUppercase ? "-\($0.lowercased())" : String($0) }
        return SamplingOptionsError(parameter: "--" + words.joined(), value: error.value, range: error.range)
    }

    /// For an engine in this process.
    var options: SamplingOptions {
        SamplingOptions(
            temperature: temperature, topK: topK, topP: topP, minP: minP, repetitionPenalty: repetitionPenalty,
            repetitionWindow: repetitionWindow, seed: seed)
    }

    /// For the wire, where a window of 0 would mean the default: without a window there is no penalty either.
    var wire: Sampling {
        Sampling(
            temperature: temperature, topK: UInt32(topK), topP: topP, minP: minP,
            repetitionPenalty: repetitionWindow == 0 ? 1 : repetitionPenalty,
            repetitionWindow: UInt32(repetitionWindow), seed: seed)
    }
}
