import ArgumentParser
import Foundation
import Launcher
import Topology

struct BenchExperts: ParsableCommand, WatchesSignals {
    static let configuration = CommandConfiguration(
        commandName: "experts",
        abstract:
            "What it costs that experts live elsewhere: decoding with them beside the trunk, on workers, and cached.",
        discussion: """
            Launches three clusters over ipc, which take turns: all experts beside the trunk; all on two workers; all on two \
            workers and cacheable. Everybody's answers must be the same tokens.
            """)

    @Option(help: ArgumentHelp("The trunk, a .gguf file.", valueName: "file"))
    var model = "models/SmolLM2-135M-Instruct.Q4_1.gguf"
    @Option(name: .customLong("experts"), help: ArgumentHelp("A folder of its experts.", valueName: "folder"))
    var store = "experts/smollm2-135m-instruct"
    @Option(help: "exact: f32 arithmetic on the dequantised weights; fast: quantised kernels.")
    var compute = "exact"
    @Option(help: "Threads of the trunk (default: the machine's cores); each of the two workers has half of them.")
    var threads: Int?
    @Option(name: .customLong("max-tokens"), help: "Tokens of each answer.") var maxTokens = 96
    @Option(name: .customLong("streams"), help: "Answers at once, besides one alone.") var streams = 16
    @Option(name: .customLong("cache-megabytes"), help: "The bound of the cacheable experts beside the trunk.")
    var cacheMegabytes = 256
    @OptionGroup var rounds: RoundsOption
    @Flag(help: "Print one JSON object.") var json = false

    func validate() throws {
        guard (16...2048).contains(maxTokens) else {
            throw ValidationError("--max-tokens is \(maxTokens); it must be 16 ... 2048")
        }
        guard (2...64).contains(streams) else { throw ValidationError("--streams is \(streams); it must be 2 ... 64") }
        guard ["exact", "fast"].contains(compute) else {
            throw ValidationError("--compute is \(compute); it must be exact or fast")
        }
        if let threads, !(1...ModelOptions.threadsMax).contains(threads) {
            throw ValidationError("--threads is \(threads); it must be 1 ... \(ModelOptions.threadsMax)")
        }
    }

    func run() throws {
        try ModelOptions.requireModel(model)
        let interruption = try Interruption()
        let site = try ExpertsTrialSite(self)
        interruption.onSignal {
            site.remove()
            Interruption.endProcess(.failure)
        }
        defer { site.remove() }
        var report = BenchReport()
        report.experts = try ExpertsTrial(self, site).run()
        try report.show(json: json)
    }
}

/// The clusters of a trial, in a temporary folder.
struct ExpertsTrialSite: Sendable {
    static let names = ["local", "remote", "cacheable"]

    let folder: URL
    /// By name, in order.
    let clusters: [ClusterTopology]
    let experts: [String]

    init(_ options: BenchExperts) throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "skein-experts-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let store = URL(filePath: options.store).path
        experts = try FileManager.default.contentsOfDirectory(atPath: store).filter {
            FileManager.default.fileExists(atPath: "\(store)/\($0)/expert.yaml")
        }.sorted()
        guard experts.count > 1 else {
            throw CommandFailure.usage(
                "--experts \(options.store): needs two experts at least, it has \(experts.count)")
        }
        var clusters: [ClusterTopology] = []
        for name in Self.names {
            let file = folder.appendingPathComponent("\(name).yaml").path
            try Self.yaml(name, experts, options).write(toFile: file, atomically: true, encoding: .utf8)
            clusters.append(try ClusterTopology(contentsOf: file))
        }
        self.clusters = clusters
    }

    func remove() {
        for cluster in clusters { _ = try? Launcher.stop(cluster) }
        try? FileManager.default.removeItem(at: folder)
    }

    private static func yaml(_ name: String, _ experts: [String], _ options: BenchExperts) -> String {
        let cores = options.threads ?? ProcessInfo.processInfo.activeProcessorCount
        let half = experts.count / 2
        let workers = [experts[..<half], experts[half...]].enumerated().map { index, share in
            "  - {name: w\(index), threads: \(max(1, cores / 2)), experts: {names: [\(share.joined(separator: ", "))]}}"
        }
        let all = experts.joined(separator: ", ")
        return """
            name: bench-\(name)
            router: {trunk: {models: [m], threads: \(cores), capacity: \(options.streams)}}
            models:
              - name: m
                file: "\(URL(filePath: options.model).path)"
                compute: \(options.compute)
                experts:
                  store: "\(URL(filePath: options.store).path)"
                  names: [\(all)]
                  pinned: [\(name == "local" ? all : "")]
                  cacheable: [\(name == "cacheable" ? all : "")]
                  cache_megabytes: \(options.cacheMegabytes)
            \(name == "local" ? "" : "workers:\n" + workers.joined(separator: "\n"))
            """
    }
}
