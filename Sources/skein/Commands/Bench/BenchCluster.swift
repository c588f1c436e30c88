import ArgumentParser
import Foundation
import Launcher
import Topology

struct BenchCluster: ParsableCommand, WatchesSignals {
    static let configuration = CommandConfiguration(
        commandName: "cluster",
        abstract: "What an answer through a cluster costs over the same answer in this process.",
        discussion: """
            Each round asks the cluster and then computes the same answer here, with as many threads as one of its workers \
            has. A cluster that does not run is launched and stopped again; then its cold start is reported too.
            """)

    @Option(help: ArgumentHelp("The cluster's topology file.", valueName: "file"))
    var topology = "topology/quickstart.yaml"
    @Option(name: .customLong("to"), help: ArgumentHelp("The node asked (default: the topology's).", valueName: "node"))
    var node: String?
    @Option(help: "What is asked; greedily, through the model's chat template.")
    var prompt = "Tell a long story about a flock of geese that flies south for the winter."
    @Option(name: .customLong("max-tokens"), help: "Tokens of each answer.") var maxTokens = 64
    @OptionGroup var rounds: RoundsOption
    @Flag(help: "Print one JSON object.") var json = false

    static let maxTokensRange = 8...8192

    func validate() throws {
        guard Self.maxTokensRange.contains(maxTokens) else {
            throw ValidationError(
                "--max-tokens is \(maxTokens); it must be \(Self.maxTokensRange.lowerBound) ... "
                    + "\(Self.maxTokensRange.upperBound)")
        }
        if prompt.isEmpty { throw ValidationError("--prompt is empty; give at least one character") }
    }

    func run() throws {
        let cluster = try ClusterTopology(contentsOf: topology)
        let interruption = try Interruption()
        let wasRunning = Launcher.localStatus(cluster).contains { $0.state == .running }
        var report = BenchReport()
        if wasRunning {
            report.cluster = try ClusterTrial(self, cluster).run(coldStart: nil)
        } else {
            interruption.onSignal {
                _ = try? Launcher.stop(cluster)
                Interruption.endProcess(.failure)
            }
            defer { _ = try? Launcher.stop(cluster) }
            let coldStart = try Self.launch(cluster)
            report.cluster = try ClusterTrial(self, cluster).run(coldStart: coldStart)
        }
        try report.show(json: json)
    }

    /// From the launcher's start until every worker is ready.
    private static func launch(_ cluster: ClusterTopology) throws -> Duration {
        try cluster.verifyFiles()
        let clock = ContinuousClock()
        return try clock.measure {
            try Launcher.launchDetached(cluster)
            try OnPool.wait { try await Readiness(cluster, seconds: 60).wait() }
        }
    }
}
