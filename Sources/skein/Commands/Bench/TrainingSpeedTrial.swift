import Benchmarking
import Foundation
import Learning
import Weights

/// Training steps of this process, turn by turn with torch's.
struct TrainingSpeedTrial {
    /// One step of a contestant.
    struct Step: Decodable {
        let seconds, loss, peakMebibytes: Double
    }

    private let options: BenchTraining
    private let training: TrainingRun
    private let blocks: [[Int32]]
    private let peers: [TorchTrainer]

    init(_ options: BenchTraining) throws {
        self.options = options
        let trunk = try TrainingTrunk(options.trunk, blockTokens: options.block)
        let vocabulary = trunk.configuration.vocabularySize
        let blocks = (0..<options.batch).map { block in
            (0..<options.block).map { place in
                Int32((7919 * (block * options.block + place) + 104_729) % (vocabulary * 3 / 4) + vocabulary / 8)
            }
        }
        self.blocks = blocks
        let parameters = Parameters(
            ParameterPlan(sites: Set(Site.allCases), rank: options.rank, scale: 2, trained: [.pairs]),
            for: trunk.configuration)
        parameters.startPairs(seed: 42)
        training = TrainingRun(
            try trunk.load(), parameters,
            TrainingSet(train: blocks.map { TrainingBlock(tokens: $0) }, held: []),
            Recipe(
                steps: options.rounds.count + 1, blocks: options.batch, blockTokens: options.block, learningRate: 2e-3,
                warmUp: 0, shards: options.threads.count), traceBytesMax: options.traceMiB << 20)
        peers =
            try options.against.map { python in
                try (options.bf16 ? ["none", "bf16"] : ["none"]).map {
                    try TorchTrainer(python: python, options, autocast: $0)
                }
            } ?? []
    }

    func run() throws -> TrainingSpeedReport {
        let names = ["skein f32"] + peers.map(\.name)
        var rounds = Rounds(contestants: names.count, count: options.rounds.count)
        var (first, last): ([Step], [Step]) = ([], [])
        for (index, turn) in rounds.turns.enumerated() {
            Terminal.progress("\(names[turn.contestant]), turn \(index + 1) of \(rounds.turns.count)")
            let step = turn.contestant == 0 ? try ours() : try peers[turn.contestant - 1].step(blocks)
            if first.count < names.count { first.append(step) }
            last = last.suffix(names.count - 1) + [step]
            rounds.record(step.seconds, of: turn)
        }
        Terminal.endProgress()
        return TrainingSpeedReport(
            batch: options.batch, block: options.block, rank: options.rank, threads: options.threads.count,
            rounds: options.rounds.count, peers: Array(Set(peers.map(\.version))),
            contestants: names.indices.map { index in
                .init(names[index], index, rounds, first: first[index], peaks: last.map(\.peakMebibytes))
            })
    }

    private func ours() throws -> Step {
        let start = ContinuousClock.now
        let report = try training.advance()
        return Step(
            seconds: start.duration(to: .now) / .seconds(1), loss: report.loss,
            peakMebibytes: ProcessMemory.peakMebibytes() ?? 0)
    }
}

/// `Benchmarks/train_torch.py` in a process of its own.
final class TorchTrainer {
    private struct Ready: Decodable { let version: String }
    private struct Request: Encodable { let blocks: [[Int32]] }

    private let process: PeerProcess
    let name: String
    let version: String

    private static let secondsMax = 600

    init(python: String, _ options: BenchTraining, autocast: String) throws {
        name = autocast == "none" ? "torch f32" : "torch \(autocast) autocast"
        process = try PeerProcess(
            python,
            [
                "Benchmarks/train_torch.py", options.trunk, "--autocast", autocast, "--rank", "\(options.rank)",
                "--threads", "\(options.threads.count)",
            ])
        Terminal.progress("\(name) loads")
        version = try process.read(Ready.self, withinSeconds: Self.secondsMax).version
        Terminal.endProgress()
    }

    func step(_ blocks: [[Int32]]) throws -> TrainingSpeedTrial.Step {
        try process.ask(Request(blocks: blocks), TrainingSpeedTrial.Step.self, withinSeconds: Self.secondsMax)
    }
}

/// What the kernel says of a process (proc_pid_status(5)).
enum ProcessMemory {
    /// The most that was ever resident; nil where there is no /proc.
    static func peakMebibytes(of processID: String = "self") -> Double? {
        guard let status = try? String(contentsOfFile: "/proc/\(processID)/status", encoding: .utf8),
            let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") })
        else { return nil }
        return line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Double($0) }.map { $0 / 1024 }
    }
}
