import Topology

/// One process of a cluster on this machine.
package struct LocalProcess: Equatable, Sendable {
    package enum State: String, Equatable, Sendable {
        case running
        /// Down; the launcher starts it again.
        case restarting
        /// Down for good after too many quick failures.
        case gaveUp
        /// Not launched, or its launcher is gone.
        case absent
    }

    /// "launcher", "router", or a worker's name.
    package let name: String
    package let state: State
    package let processID: Int32?
    package let startedUnixSeconds: UInt64?
    package let restarts: Int
    /// How it ended last, since the launch; nil when it never did.
    package let lastEnding: String?
    /// Why it is down for good.
    package let reason: String?
    package let logFile: String
}

extension Launcher {
    /// The launcher, the router and the local workers, as recorded and as /proc has them. Whether they are *ready* only
    /// the router knows.
    package static func localStatus(_ topology: ClusterTopology) -> [LocalProcess] {
        let records = ProcessRecords(topology.paths)
        let isSupervised = records.read("launcher")?.identity?.isAlive == true
        return (["launcher", "router"] + topology.localWorkers.map(\.name)).map { name in
            let record = records.read(name)
            return LocalProcess(
                name: name, state: state(of: record, isSupervised: isSupervised),
                processID: record?.identity.flatMap { $0.isAlive ? $0.processID : nil },
                startedUnixSeconds: record?.startedUnixSeconds, restarts: record?.restarts ?? 0,
                lastEnding: record?.lastEnding, reason: record?.gaveUp, logFile: topology.paths.logFile(name))
        }
    }

    /// Whether processes of a launcher that is gone still run: they serve, but nothing starts again what fails.
    package static func isUnattended(_ processes: [LocalProcess]) -> Bool {
        guard let launcher = processes.first, launcher.name == "launcher" else { return false }
        return launcher.state != .running && processes.dropFirst().contains { $0.state == .running }
    }

    private static func state(of record: ProcessRecord?, isSupervised: Bool) -> LocalProcess.State {
        guard let record else { return .absent }
        if record.identity?.isAlive == true { return .running }
        if record.gaveUp != nil { return .gaveUp }
        return isSupervised && record.name != "launcher" ? .restarting : .absent
    }
}
