import ArgumentParser
import Inference

/// What of an engine is measured, and beside whom.
struct EngineTrialOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The model: a .gguf file, or a folder in Hugging Face's layout.", valueName: "file"))
    var model = "models/SmolLM2-135M-Instruct.Q4_1.gguf"

    @Option(
        name: .customLong("compute"),
        help: "Only this mode, exact or fast; repeatable (default: both).")
    var modes: [ComputeMode] = []

    @OptionGroup var threadsOption: ThreadsOption
    @OptionGroup var rounds: RoundsOption

    @Option(name: .customLong("prefill"), help: "Tokens of the prompt whose prefill is measured.")
    var prefillTokens = 512

    @Option(name: .customLong("decode"), help: "Tokens whose decoding is measured, after a prompt of 16.")
    var decodeTokens = 64

    @Flag(
        name: .customLong("uncounted"),
        help: "Of a mixture of experts: also without counting what tokens choose, to see what the statistics cost.")
    var isUncounted = false

    @Option(help: ArgumentHelp("A python with llama-cpp-python, to be measured side by side.", valueName: "python"))
    var against: String?

    @Option(
        name: .customLong("against-file"),
        help: ArgumentHelp(
            "A .gguf file for the peer, instead of the model in its own format, F32 and Q8_0; repeatable.",
            valueName: "file"))
    var peerFiles: [String] = []

    @Option(name: .customLong("against-script"), help: ArgumentHelp("What the python runs.", valueName: "file"))
    var peerScript = "Benchmarks/measure_llama_cpp.py"

    var threads: Int { threadsOption.count }
    var computeModes: [ComputeMode] { modes.isEmpty ? [.exact, .fast] : modes }

    /// More says nothing new and takes long.
    static let tokensMax = 1 << 17

    func validate() throws {
        for (name, value) in [("--prefill", prefillTokens), ("--decode", decodeTokens)] {
            guard (1...Self.tokensMax).contains(value) else {
                throw ValidationError("\(name) is \(value); it must be 1 ... \(Self.tokensMax)")
            }
        }
        guard Set(modes).count == modes.count else { throw ValidationError("--compute names a mode twice") }
        guard against != nil || peerFiles.isEmpty else {
            throw ValidationError("--against-file is for the python that --against names; give --against")
        }
    }
}
