import Client
import Foundation
import Launcher
import Messaging
import Threading
import Topology

/// Waits for a detached cluster.
struct Readiness {
    private let cluster: ClusterTopology
    private let launcher: DetachedLauncher?
    private let began = MonotonicClock.nowMicroseconds
    private let seconds: Int
    /// What a router of this launch may have been up for longer than this value exists.
    private static let headStartMilliseconds: UInt64 = 2000

    init(_ cluster: ClusterTopology, seconds: Int, launcher: DetachedLauncher? = nil) {
        self.cluster = cluster
        self.seconds = max(0, seconds)
        self.launcher = launcher
    }

    private var elapsedMilliseconds: UInt64 { (MonotonicClock.nowMicroseconds - began) / 1000 }
    private var isOver: Bool { elapsedMilliseconds >= UInt64(seconds) * 1000 }

    /// Returns when every worker of the topology on this machine is ready, the router's own trunk included; throws when the launcher has ended, something that it
    /// started ended twice, somebody else's router answers, or it takes too long.
    func status() async throws -> StatusReply {
        let door = try FrontDoor(cluster)
        var last = "no word from the router"
        defer { Terminal.endProgress() }
        while !isOver {
            if let client = try? await door.connect() {
                defer { client.close() }
                while !isOver, let status = try? await client.status() {
                    try refuseStranger(status, at: door.endpoint)
                    try failIfSomethingFailed()
                    if isReady(status) { return status }
                    last = status.workers.map { "\($0.name) \($0.state)" }.joined(separator: ", ")
                    Terminal.progress(last)
                    try await Task.sleep(for: .milliseconds(20))
                }
            }
            try failIfSomethingFailed()
            try await Task.sleep(for: .milliseconds(20))
        }
        throw CommandFailure.failed("not ready within \(seconds) s: \(last); see \(cluster.paths.logs)")
    }

    func wait() async throws { _ = try await status() }

    /// Workers of other machines may come later.
    private func isReady(_ status: StatusReply) -> Bool {
        let ready = Set(status.workers.filter { $0.state == "ready" }.map(\.name))
        return (cluster.localWorkers + [cluster.trunk].compactMap { $0 }).allSatisfy { ready.contains($0.name) }
    }

    /// Two topologies may name one port; whoever listened first answers. Its name tells, and where that is the same too,
    /// how long it has been up.
    private func refuseStranger(_ status: StatusReply, at endpoint: Messaging.Endpoint) throws {
        let isOwn =
            status.cluster == cluster.name
            && status.uptimeMilliseconds <= elapsedMilliseconds + Self.headStartMilliseconds
        guard !isOwn else { return }
        throw CommandFailure.failed(
            "\(endpoint): port in use: the router of another cluster (\(status.cluster)) answers there; stop that "
                + "cluster, or give this topology's router other ports")
    }

    /// A first failure may be chance, and the launcher starts it again; what fails twice before it was ready has a cause.
    private func failIfSomethingFailed() throws {
        if let failure = launcher?.ending { throw failure }
        for process in Launcher.localStatus(cluster) {
            guard let reason = process.reason ?? process.lastEnding, process.state == .gaveUp || hasEndedTwice(process)
            else { continue }
            throw CommandFailure.failed("\(process.name) does not start: \(reason); see \(process.logFile)")
        }
    }

    private func hasEndedTwice(_ process: LocalProcess) -> Bool {
        process.restarts >= (process.state == .running ? 2 : 1)
    }
}
