import Foundation
import Topology

/// A launcher in a session of its own, which this process started.
package struct DetachedLauncher {
    package let processID: Int32
    let output: OutputFile
    /// Size of its output file before: what it wrote since is its own.
    let outputStart: Int

    /// Why it ended; nil while it runs.
    package var ending: LauncherError? {
        guard let ending = ProcessEnding.reap(processID) else { return nil }
        let reason = output.lastLine(after: outputStart) ?? "its launcher \(ending)"
        var code: Int32?
        if case .exited(let number) = ending { code = number }
        return .detachedEnded(reason: reason, code: code, logFile: output.path)
    }
}

extension Launcher {
    /// Starts `EXECUTABLE arguments…` (by default this program's `launch TOPOLOGY`) as a launcher in a session of its
    /// own and returns once it runs; the caller's terminal may go.
    ///
    /// - Parameter withinMilliseconds: how long it may take to write its record.
    @discardableResult
    package static func launchDetached(
        _ topology: ClusterTopology, executable: String = LaunchOptions.ownExecutable, arguments: [String]? = nil,
        withinMilliseconds: Int = 10_000
    ) throws(LauncherError) -> DetachedLauncher {
        try prepare(topology.paths)
        let records = ProcessRecords(topology.paths)
        if let running = records.read("launcher")?.identity, running.isAlive {
            throw .alreadyLaunched(cluster: topology.name, topology: topology.path, processID: running.processID)
        }
        // The launcher would say the same, but in another process's words.
        try refuseLeftovers(topology)
        let output = OutputFile(path: topology.paths.outputFile("launcher"))
        output.bound()
        let outputStart = output.bytes
        let child = try spawn(
            executable, arguments: arguments ?? ["launch", topology.path],
            environment: ProcessInfo.processInfo.environment, outputFile: output.path)
        let launcher = DetachedLauncher(processID: child, output: output, outputStart: outputStart)
        try wait(for: launcher, records, withinMilliseconds: withinMilliseconds)
        return launcher
    }

    /// Until it has written its record.
    private static func wait(
        for launcher: DetachedLauncher, _ records: ProcessRecords, withinMilliseconds bound: Int
    ) throws(LauncherError) {
        let clock = ContinuousClock()
        let deadline = clock.now + .milliseconds(bound)
        while clock.now < deadline {
            if records.read("launcher")?.identity?.processID == launcher.processID { return }
            if let failure = launcher.ending { throw failure }
            usleep(20_000)
        }
        kill(launcher.processID, SIGKILL)
        while ProcessEnding.reap(launcher.processID) == nil { usleep(20_000) }
        throw .detachedEnded(
            reason: "its launcher wrote no record within \(bound) ms", code: nil, logFile: launcher.output.path)
    }
}
