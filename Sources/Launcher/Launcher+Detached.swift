import Foundation
import Topology

extension Launcher {
    /// Starts `EXECUTABLE arguments…` (by default this program's `launch TOPOLOGY`) as a launcher in a session of its
    /// own and returns once it runs; the caller's terminal may go. Returns the launcher's process id.
    ///
    /// - Parameter withinMilliseconds: how long it may take to write its record.
    @discardableResult
    package static func launchDetached(
        _ topology: ClusterTopology, executable: String = LaunchOptions.ownExecutable, arguments: [String]? = nil,
        withinMilliseconds: Int = 10_000
    ) throws(LauncherError) -> Int32 {
        do { try topology.paths.prepare() } catch { throw .folders(error.description) }
        let records = ProcessRecords(topology.paths)
        if let running = records.read("launcher")?.identity, running.isAlive {
            throw .alreadyLaunched(cluster: topology.name, topology: topology.path, processID: running.processID)
        }
        let output = OutputFile(path: topology.paths.outputFile("launcher"))
        output.bound()
        let outputStart = output.bytes
        let child = try spawn(
            executable, arguments: arguments ?? ["launch", topology.path],
            environment: ProcessInfo.processInfo.environment, outputFile: output.path)
        let clock = ContinuousClock()
        let deadline = clock.now + .milliseconds(withinMilliseconds)
        while clock.now < deadline {
            if records.read("launcher")?.identity?.processID == child { return child }
            if let ending = ProcessEnding.reap(child) {
                let reason = output.lastLine(after: outputStart) ?? "it \(ending)"
                throw .detachedEnded(reason: reason, logFile: output.path)
            }
            usleep(20_000)
        }
        kill(child, SIGKILL)
        while ProcessEnding.reap(child) == nil { usleep(20_000) }
        throw .detachedEnded(reason: "it wrote no record within \(withinMilliseconds) ms", logFile: output.path)
    }
}
