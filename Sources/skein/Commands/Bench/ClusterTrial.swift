import Benchmarking
import Client
import Foundation
import Inference
import Kernels
import Launcher
import Messaging
import Tokenization
import Topology
import Weights

/// The same answer through a cluster and in this process, in turns.
struct ClusterTrial {
    /// One answer's times, as whoever asked sees them.
    private struct Figures {
        let firstToken: Duration
        let tokensPerSecond: Double
        let tokens: [Int32]
    }

    private let options: BenchCluster
    private let cluster: ClusterTopology
    private let node: String
    private let model: LoadedModel
    private let threads: Int

    init(_ options: BenchCluster, _ cluster: ClusterTopology) throws {
        self.options = options
        self.cluster = cluster
        guard let name = options.node ?? cluster.defaultNode, let entry = cluster.node(name),
            let served = entry.model, let file = cluster.model(served)
        else {
            throw CommandFailure.usage(
                "--to must name one of the nodes: \(cluster.nodes.map(\.name).joined(separator: ", "))")
        }
        guard let worker = cluster.workers.first(where: { $0.models.contains(served) }) else {
            throw CommandFailure.usage("no worker of \(cluster.path) holds \(served)")
        }
        node = name
        threads = cluster.threads(of: worker, cores: ProcessInfo.processInfo.activeProcessorCount)
        let team = ComputeTeam(threads: threads)
        let mode: Inference.ComputeMode = file.compute == .exact ? .exact : .fast
        model = LoadedModel(
            text: try ModelText(path: file.file),
            weights: try LanguageModel.load(try Checkpoint.open(file.file), mode: mode, team: team), team: team,
            loading: .zero)
    }

    func run(coldStart: Duration?) throws -> ClusterReport {
        let door = try FrontDoor(cluster)
        let client = try OnPool.wait { try await door.connect() }
        defer { client.close() }
        var firstToken = Rounds(contestants: 2, count: options.rounds.count, warmUps: 2)
        var speed = firstToken
        var answers: Set<[Int32]> = []
        for (index, turn) in firstToken.turns.enumerated() {
            Terminal.progress("turn \(index + 1) of \(firstToken.turns.count)")
            let figures = try turn.contestant == 0 ? asked(client) : computed()
            firstToken.record(figures.firstToken.milliseconds, of: turn)
            speed.record(figures.tokensPerSecond, of: turn)
            answers.insert(figures.tokens)
        }
        Terminal.endProgress()
        guard answers.count == 1 else {
            throw CommandFailure.failed("the answers differ; cluster and this process must give the same tokens")
        }
        return ClusterReport(
            topology: cluster.path, threads: threads, rounds: options.rounds.count, tokens: answers.first?.count ?? 0,
            coldStartMilliseconds: coldStart?.milliseconds, router: routerMemory(),
            firstTokenMilliseconds: .init(firstToken.pairs(ours: 0, theirs: 1)),
            tokensPerSecond: .init(speed.pairs(ours: 0, theirs: 1)))
    }

    private func asked(_ client: RouterClient) throws -> Figures {
        let query = Query(
            id: .random(), node: node, prompt: .chat([.init(role: .user, content: options.prompt)]),
            sampling: Sampling(), maxTokens: UInt32(options.maxTokens))
        return try OnPool.wait { try await Self.follow(client.submit(query)) }
    }

    /// The clock starts when the query has been handed over, and stops for each piece when it is in the caller's hands.
    private static func follow(_ stream: QueryStream) async throws -> Figures {
        let start = ContinuousClock.now
        var arrivals: [(count: Int, at: Duration)] = []
        var tokens: [Int32] = []
        for await event in stream {
            switch event {
            case .partial(let partial) where !partial.tokens.isEmpty:
                tokens += partial.tokens
                arrivals.append((partial.tokens.count, start.duration(to: .now)))
            case .failure(let failure): throw CommandFailure(failure)
            case .accepted, .partial, .final: break
            }
            if event.isEnding { break }
        }
        guard let first = arrivals.first, let last = arrivals.last, arrivals.count > 1 else {
            throw CommandFailure.failed("the answer has \(tokens.count) tokens, too few; ask for something longer")
        }
        return Figures(
            firstToken: first.at, tokensPerSecond: (last.at - first.at).perSecond(tokens.count - first.count),
            tokens: tokens)
    }

    /// What `skein generate` does, from the prompt's text on; the engine is there already, as a worker's is.
    private func computed() throws -> Figures {
        var generation = try Generation(model, promptTokens: [], stop: [])
        let start = ContinuousClock.now
        let ids = try model.text.encode([.init(.user, options.prompt)])
        let encoding = start.duration(to: .now)
        let request = GenerationRequest(prompt: ids, maxTokens: options.maxTokens, endTokens: model.endTokens)
        try generation.run(request) { _ in }
        return Figures(
            firstToken: encoding + generation.prefill,
            tokensPerSecond: generation.decode.perSecond(generation.tokens.count - 1),
            tokens: generation.tokens.map(\.id))
    }

    /// Of the router's process, if it is on this machine.
    private func routerMemory() -> ClusterReport.Memory? {
        guard let processID = Launcher.localStatus(cluster).first(where: { $0.name == "router" })?.processID,
            let status = try? String(contentsOfFile: "/proc/\(processID)/status", encoding: .utf8)
        else { return nil }
        func mebibytes(_ key: String) -> Double? {
            let line = status.split(separator: "\n").first { $0.hasPrefix("\(key):") }
            return line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Double($0) }.map {
                $0 / 1024
            }
        }
        guard let resident = mebibytes("VmRSS"), let peak = mebibytes("VmHWM") else { return nil }
        return .init(residentMiB: resident, peakMiB: peak, anonymousMiB: mebibytes("RssAnon"))
    }
}
