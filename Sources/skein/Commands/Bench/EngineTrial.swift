import Benchmarking
import Inference
import Kernels
import Tokenization
import Weights

/// Prefill and decode of one stream: this program in each mode, and the peer with each of its files, taking turns.
struct EngineTrial {
    /// The prompt before the tokens whose decoding is timed.
    private static let decodePrompt = 16

    private let options: EngineTrialOptions
    /// The modes, then where that is asked for the same without statistics.
    private let trials: [(name: String, trial: SpeedTrial)]
    private let peer: LlamaPeer?
    /// A fixed sequence without meaning: speed does not depend on it.
    private let ids: [Int32]

    init(_ options: EngineTrialOptions) throws {
        self.options = options
        let checkpoint = try Checkpoint.open(options.model)
        let team = ComputeTeam(threads: options.threads)
        let context = max(options.prefillTokens, Self.decodePrompt + options.decodeTokens) + 2
        var trials: [(name: String, trial: SpeedTrial)] = []
        var uncounted = trials
        for mode in options.computeModes {
            let model = try LanguageModel.load(checkpoint, mode: mode, team: team)
            trials.append(("skein \(mode.rawValue)", try SpeedTrial(model: model, team: team, contextMax: context)))
            guard options.isUncounted, checkpoint.configuration.mixture != nil else { continue }
            uncounted.append(
                (
                    "skein \(mode.rawValue), nothing counted",
                    try SpeedTrial(model: model, team: team, contextMax: context, countsMixtures: false)
                ))
        }
        self.trials = trials + uncounted
        let vocabulary = checkpoint.configuration.vocabularySize
        ids = (0..<max(options.prefillTokens, Self.decodePrompt)).map {
            Int32((7919 * $0 + 104_729) % (vocabulary * 3 / 4) + vocabulary / 8)
        }
        peer = try options.against.map { try LlamaPeer(python: $0, options, contextTokens: context) }
    }

    func run() throws -> EngineReport {
        let names = trials.map(\.name) + (peer?.names ?? [])
        let ours = options.computeModes.count
        var prefill = Rounds(contestants: names.count, count: options.rounds.count)
        var decode = prefill
        for (index, turn) in prefill.turns.enumerated() {
            Terminal.progress("\(names[turn.contestant]), turn \(index + 1) of \(prefill.turns.count)")
            prefill.record(try prefillSpeed(turn.contestant), of: turn)
            decode.record(try decodeSpeed(turn.contestant), of: turn)
        }
        Terminal.endProgress()
        return EngineReport(
            model: options.model, threads: options.threads, rounds: options.rounds.count, peerVersion: peer?.version,
            measures: [
                .init("prefill of \(options.prefillTokens) tokens", names, ours: ours, prefill),
                .init("decode of \(options.decodeTokens) tokens, one stream", names, ours: ours, decode),
            ])
    }

    private func prefillSpeed(_ contestant: Int) throws -> Double {
        let prompt = Array(ids.prefix(options.prefillTokens))
        guard contestant < trials.count else { return try peer?.prefill(contestant - trials.count, prompt) ?? 0 }
        return Self.perSecond(prompt.count, nanoseconds: try trials[contestant].trial.prefill(prompt))
    }

    private func decodeSpeed(_ contestant: Int) throws -> Double {
        let (prompt, count) = (Array(ids.prefix(Self.decodePrompt)), options.decodeTokens)
        guard contestant < trials.count else {
            return try peer?.decode(contestant - trials.count, prompt, count) ?? 0
        }
        return Self.perSecond(count, nanoseconds: try trials[contestant].trial.decode(after: prompt, count: count))
    }

    private static func perSecond(_ count: Int, nanoseconds: UInt64) -> Double {
        Double(count) * 1e9 / Double(max(1, nanoseconds))
    }
}
