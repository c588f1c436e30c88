import ArgumentParser
import Launcher
import Threading
import Topology

struct Launch: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Starts a topology's router and local workers, and supervises them.",
        discussion: """
            With --detach it returns once every local worker is ready, and prints what `skein status` would. When that \
            fails (a process ends twice, a port is in use, the time is over) it says why, ends whatever it has started, \
            and leaves nothing running; so does Ctrl-C.
            """)

    @Argument(help: "The topology file.") var topology: String
    @Flag(help: "Return once every local worker is ready; the cluster runs on.") var detach = false
    @Option(
        name: .customLong("wait"), parsing: .unconditional,
        help: ArgumentHelp("With --detach: how long readiness may take.", valueName: "seconds"))
    var waitSeconds = 60

    private static let waitSecondsMax = 86_400

    func validate() throws {
        guard (1...Self.waitSecondsMax).contains(waitSeconds) else {
            throw ValidationError("--wait is \(waitSeconds); it must be 1 ... \(Self.waitSecondsMax)")
        }
    }

    func run() async throws {
        let cluster = try ClusterTopology(contentsOf: topology)
        try cluster.verifyFiles()
        try cluster.verifyHistory()
        if detach { return try await launchDetached(cluster) }
        let stop = StopRequest()
        let signals = try SignalWatch { _ in stop.request() }
        try withExtendedLifetime(signals) {
            try Launcher.launch(cluster, stop: stop) { Terminal.note("launcher: \($0)") }
        }
    }

    private func launchDetached(_ cluster: ClusterTopology) async throws {
        let interruption = try Interruption()
        let launcher = try Launcher.launchDetached(cluster)
        interruption.onSignal {
            _ = try? Launcher.stop(cluster)
            Interruption.endProcess(.failure)
        }
        do {
            let status = try await Readiness(cluster, seconds: waitSeconds, launcher: launcher).status()
            interruption.onSignal(nil)
            print(StatusText.whole(status, cluster))
        } catch {
            guard let failure = CommandFailure(expected: error) else { throw error }
            _ = try Launcher.stop(cluster)
            throw CommandFailure(kind: failure.kind, message: failure.message + " (what had started was ended)")
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
