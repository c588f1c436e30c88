import ArgumentParser
import Launcher
import Threading
import Topology

struct Launch: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Starts a topology's router and local workers, and supervises them.")

    @Argument(help: "The topology file.") var topology: String
    @Flag(help: "Return once every worker is ready.") var detach = false
    @Option(name: .customLong("wait"), help: "Seconds to wait for readiness with --detach.") var waitSeconds = 60

    func run() async throws {
        let cluster = try ClusterTopology(contentsOf: topology)
        try cluster.verifyFiles()
        if detach {
            try Launcher.launchDetached(cluster)
            return try await Readiness(cluster, seconds: waitSeconds).wait()
        }
        let stop = StopRequest()
        let signals = try SignalWatch { _ in stop.request() }
        try withExtendedLifetime(signals) {
            try Launcher.launch(cluster, stop: stop) { Terminal.note("launcher: \($0)") }
        }
    }
}

struct Stop: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Ends everything of a topology on this machine, also after a crash of its launcher.")

    @Argument(help: "The topology file.") var topology: String = "topology/quickstart.yaml"

    func run() throws {
        switch try Launcher.stop(try ClusterTopology(contentsOf: topology)) {
        case .nothingRan: print("nothing ran")
        case .stopped(let names): print("stopped: \(names.joined(separator: ", "))")
        }
    }
}
