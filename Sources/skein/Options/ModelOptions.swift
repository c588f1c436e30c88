import ArgumentParser
import Foundation
import Inference
import Kernels
import Tokenization
import Weights

/// The model that a command runs in its own process.
struct ModelOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The model: a .gguf file, or a folder in Hugging Face's layout.", valueName: "file"))
    var model: String = ""

    @Option(help: "exact: f32 arithmetic on the dequantised weights, the reference; fast: quantised kernels.")
    var compute: ComputeMode = .fast

    @Option(
        parsing: .unconditional,
        help: "Threads that compute (default: the machine's cores, at most \(Self.defaultThreadsMax)).")
    var threads: Int?

    static let threadsMax = 256
    /// More do not help a model that one process can hold.
    static let defaultThreadsMax = 16

    func validate() throws {
        if let threads, !(1...Self.threadsMax).contains(threads) {
            throw ValidationError("--threads is \(threads); it must be 1 ... \(Self.threadsMax)")
        }
    }

    /// Said here, where it is clear that a model was meant; what reads one knows only of files.
    static func requireModel(_ path: String) throws(CommandFailure) {
        if path.isEmpty { throw .usage("--model is missing: give a .gguf file, or a folder in Hugging Face's layout") }
        if let refusal = FolderOfModels.refusal(of: path) { throw .usage("--model \(refusal.description)") }
        guard !FileManager.default.fileExists(atPath: path) else { return }
        throw .usage(
            "--model \(path): there is no such file or folder; give the right path, or fetch the default model with "
                + "deploy/fetch-model.sh")
    }

    func load() throws -> LoadedModel { try LoadedModel.load(model, mode: compute, threads: threads) }
}

extension ComputeMode: ExpressibleByArgument {}

/// A model ready to compute: its text side, its weights, and the threads.
struct LoadedModel {
    let text: ModelText
    let weights: LanguageModel
    let team: ComputeTeam
    let loading: Duration

    var endTokens: Set<Int32> { Set(weights.configuration.endTokens.map { Int32(clamping: $0) }) }

    static func load(_ path: String, mode: ComputeMode, threads: Int?) throws -> LoadedModel {
        try ModelOptions.requireModel(path)
        let started = ContinuousClock.now
        let text = try ModelText(path: path)
        let checkpoint = try Checkpoint.open(path)
        let cores = ProcessInfo.processInfo.activeProcessorCount
        let team = ComputeTeam(threads: threads ?? max(1, min(cores, ModelOptions.defaultThreadsMax)))
        let progress = ThrottledProgress("loading \(path)")
        let weights = try LanguageModel.load(checkpoint, mode: mode, team: team) { progress.show(fraction: $0) }
        Terminal.endProgress()
        return LoadedModel(text: text, weights: weights, team: team, loading: started.duration(to: .now))
    }
}
