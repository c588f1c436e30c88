import Benchmarking
import Foundation
import Gating
import Inference
import Kernels
import Weights

/// Prefill and decode of one stream, routed over more and more experts, turn by turn with the trunk alone and with peers.
struct RoutingSpeedTrial {
    private static let decodePrompt = 16

    private let options: BenchRouting
    private let ours: [(name: String, trial: SpeedTrial)]
    private let peers: [LlamaPeer]
    private let peerPlaces: [(peer: Int, model: Int)]
    private let ids: [Int32]
    private let mode: ComputeMode
    private let threads: Int

    init(_ options: BenchRouting, _ model: LoadedModel, at path: String) throws {
        self.options = options
        mode = model.weights.mode
        self.threads = model.team.threads
        let context = max(options.prefillTokens, Self.decodePrompt + options.decodeTokens) + 2
        let vocabulary = model.weights.vocabularySize
        ids = (0..<max(options.prefillTokens, Self.decodePrompt)).map {
            Int32((7919 * $0 + 104_729) % (vocabulary * 3 / 4) + vocabulary / 8)
        }
        func trial(_ set: ExpertSet?, _ route: RouteOptions) throws -> SpeedTrial {
            let bank = set.map { RoutedExpertBank($0, rowsMax: 512, team: model.team) }
            return try SpeedTrial(
                model: model.weights, team: model.team, contextMax: context, bank: bank,
                route: set.map { _ in RouteRequest(route) })
        }
        let shipped = try ExpertFolders([options.store]).load(for: model, at: path, isCalibrated: false)
        var ours = [(name: "trunk", trial: try trial(nil, .off))]
        ours.append(("phatgoose, \(shipped.experts.count) experts", try trial(shipped, RouteOptions())))
        for count in options.expertCounts {
            Terminal.progress("\(count) experts")
            let set = try SyntheticExperts(count: count, of: options.store, model).set
            ours.append(("\(count) random gates", try trial(set, RouteOptions(method: .average, topK: 2))))
        }
        self.ours = ours
        let threads = model.team.threads
        let peers =
            try options.against.map { try Self.peers($0, options, path, threads: threads, context: context) } ?? []
        self.peers = peers
        peerPlaces = peers.enumerated().flatMap { index, peer in peer.names.indices.map { (index, $0) } }
    }

    private static func peers(
        _ python: String, _ options: BenchRouting, _ path: String, threads: Int, context: Int
    ) throws -> [LlamaPeer] {
        let names = try FileManager.default.contentsOfDirectory(atPath: options.store).filter {
            FileManager.default.fileExists(atPath: "\(options.store)/\($0)/adapter_model.safetensors")
                && !$0.hasPrefix("_")
        }.sorted()
        let limits = ["--threads", "\(threads)"]
        return [
            try LlamaPeer(
                python: python,
                arguments: ["Benchmarks/phatgoose_torch.py", "serve", path, options.store, "trunk", "phatgoose:2"]
                    + limits
            ) { "torch \($0)" },
            try LlamaPeer(
                python: python,
                arguments: ["Benchmarks/measure_llama_cpp.py", "--serve", path, "--context", "\(context)"] + limits
                    + names.prefix(2).flatMap { ["--lora", "\(options.store)/\($0)"] }
            ) { "llama.cpp \($0)" },
        ]
    }

    func run() throws -> RoutingSpeedReport {
        let names = ours.map(\.name) + peerPlaces.map { peers[$0.peer].names[$0.model] }
        var prefill = Rounds(contestants: names.count, count: options.rounds.count)
        var decode = prefill
        for (index, turn) in prefill.turns.enumerated() {
            Terminal.progress("\(names[turn.contestant]), turn \(index + 1) of \(prefill.turns.count)")
            prefill.record(try prefillSpeed(turn.contestant), of: turn)
            decode.record(try decodeSpeed(turn.contestant), of: turn)
        }
        Terminal.endProgress()
        return RoutingSpeedReport(
            compute: mode.rawValue, threads: threads, rounds: options.rounds.count, peers: peers.map(\.version),
            counts: options.expertCounts,
            prefill: .init("prefill of \(options.prefillTokens) tokens", names, prefill, ours: ours.count),
            decode: .init("decode of \(options.decodeTokens) tokens", names, decode, ours: ours.count))
    }

    private func prefillSpeed(_ contestant: Int) throws -> Double {
        let prompt = Array(ids.prefix(options.prefillTokens))
        if contestant < ours.count { return Self.perSecond(prompt.count, try ours[contestant].trial.prefill(prompt)) }
        let place = peerPlaces[contestant - ours.count]
        return try peers[place.peer].prefill(place.model, prompt)
    }

    private func decodeSpeed(_ contestant: Int) throws -> Double {
        let (prompt, count) = (Array(ids.prefix(Self.decodePrompt)), options.decodeTokens)
        if contestant < ours.count {
            return Self.perSecond(count, try ours[contestant].trial.decode(after: prompt, count: count))
        }
        let place = peerPlaces[contestant - ours.count]
        return try peers[place.peer].decode(place.model, prompt, count)
    }

    private static func perSecond(_ count: Int, _ nanoseconds: UInt64) -> Double {
        Double(count) * 1e9 / Double(max(1, nanoseconds))
    }
}
