import Foundation
import Synchronization
import Topology

/// Launches a topology's local entries, supervises them, and ends them. Every function blocks its caller.
package enum Launcher {
    /// An environment variable of every process that a launcher starts; its value is the cluster's state folder. `stop`
    /// finds by it what no record names, such as a process started in the instant before its launcher was killed.
    static let marker = "SKEIN_CLUSTER_STATE"

    /// Starts the router and the local workers and supervises them until `stop` is requested, or until it has to give
    /// up. Events come on the calling thread.
    ///
    /// A process that ends is started again after a pause (`RestartPolicy`). The children's signals and terminal are
    /// their own; they end with this function, in order: the router drains, then the workers go.
    package static func launch(
        _ topology: ClusterTopology, options: LaunchOptions = LaunchOptions(), stop: StopRequest = StopRequest(),
        onEvent: @escaping (LaunchEvent) -> Void
    ) throws(LauncherError) {
        try prepare(topology.paths)
        guard let lock = try LaunchLock(path: topology.paths.launchLock) else {
            let launcher = ProcessRecords(topology.paths).read("launcher")?.identity
            throw .alreadyLaunched(cluster: topology.name, topology: topology.path, processID: launcher?.processID)
        }
        try refuseLeftovers(topology)
        let records = ProcessRecords(topology.paths)
        records.all().forEach { records.remove($0.name) }
        try records.write(
            ProcessRecord(
                name: "launcher", identity: ProcessIdentity(of: getpid()),
                startedUnixSeconds: UInt64(Date().timeIntervalSince1970), restarts: 0, sockets: topology.paths.sockets))
        var supervisor = Supervisor(topology: topology, options: options, onEvent: onEvent)
        defer {
            records.remove("launcher")
            topology.paths.removeSockets()
        }
        try? FileManager.default.removeItem(atPath: topology.paths.lastEndFile)
        do { try supervisor.run { stop.isRequested } } catch {
            try? Data(error.description.utf8).write(to: URL(fileURLWithPath: topology.paths.lastEndFile))
            throw error
        }
        _ = consume lock
    }

    static func prepare(_ paths: ClusterPaths) throws(LauncherError) {
        do { try paths.prepare() } catch { throw .folders(error.description) }
    }

    /// Children of a launcher that was killed go on; a second set beside them would fight over their sockets.
    static func refuseLeftovers(_ topology: ClusterTopology) throws(LauncherError) {
        let records = ProcessRecords(topology.paths).all().filter {
            $0.name != "launcher" && $0.identity?.isAlive == true
        }
        guard records.isEmpty else {
            throw .leftovers(cluster: topology.name, topology: topology.path, names: records.map(\.name))
        }
    }
}

/// Asks a launcher to stop, from any thread (the one that watches signals).
package final class StopRequest: Sendable {
    private let flag = Atomic(false)

    package init() {}

    package func request() { flag.store(true, ordering: .releasing) }
    package var isRequested: Bool { flag.load(ordering: .acquiring) }
}
