import Client
import Launcher
import Messaging
import Threading
import Topology

/// Waits for a detached cluster.
struct Readiness {
    private let cluster: ClusterTopology
    private let deadlineMicroseconds: UInt64
    private let seconds: Int

    init(_ cluster: ClusterTopology, seconds: Int) {
        self.cluster = cluster
        self.seconds = seconds
        deadlineMicroseconds = MonotonicClock.nowMicroseconds + UInt64(max(0, seconds)) * 1_000_000
    }

    /// Returns when every local worker of the topology is ready; throws when the launcher has given up, or it takes too long.
    func wait() async throws {
        let door = try FrontDoor(cluster)
        var last = "no word from the router"
        while MonotonicClock.nowMicroseconds < deadlineMicroseconds {
            if let client = try? await door.connect() {
                defer { client.close() }
                while MonotonicClock.nowMicroseconds < deadlineMicroseconds, let status = try? await client.status() {
                    if status.state == "ready" { return Terminal.endProgress() }
                    last = status.workers.map { "\($0.name) \($0.state)" }.joined(separator: ", ")
                    Terminal.progress(last)
                    try failIfGivenUp()
                    try await Task.sleep(for: .milliseconds(20))
                }
            }
            try failIfGivenUp()
        }
        throw CommandFailure.failed("not ready within \(seconds) s: \(last); see \(cluster.paths.logs)")
    }

    private func failIfGivenUp() throws {
        for process in Launcher.localStatus(cluster) where process.state == .gaveUp {
            throw CommandFailure.failed(
                "\(process.name) does not start: \(process.reason ?? "no reason given"); see \(process.logFile)")
        }
    }
}
