import Foundation
import Launcher
import Synchronization
import Testing
import Topology

/// A topology with a router and workers, in a folder of its own, whose processes are a shell script: each appends
/// "NAME PID" to `starts`, runs `NAME.sh` if there is one, then waits for SIGTERM and appends NAME to `ends`.
struct Stage {
    let folder: String
    let topology: ClusterTopology
    var options = LaunchOptions()

    init(_ folder: String, workers: [String] = ["a", "b"]) throws {
        self.folder = folder
        let list = workers.map { "  - {name: \($0), models: [m]}" }.joined(separator: "\n")
        topology = try ClusterTopology(
            yaml: "name: stage\nmodels: [{name: m, file: m}]\nworkers:\n\(list)\n", path: folder + "/t.yaml",
            environment: ["XDG_RUNTIME_DIR": folder])
        let script = """
            #!/bin/bash
            name=$1; [ "$1" = worker ] && name=$5
            [ "$2 $3" = "--topology \(folder)/t.yaml" ] || exit 64
            echo "$name $$" >> \(folder)/starts
            trap 'echo $name >> \(folder)/ends; exit 0' TERM
            [ -f \(folder)/$name.sh ] && . \(folder)/$name.sh
            while :; do sleep 0.02; done
            """
        options.executable = folder + "/program"
        options.pollMilliseconds = 5
        options.policy.firstPauseMilliseconds = 10
        options.drainMilliseconds = 2000
        options.stopMilliseconds = 500
        try writeProgram(options.executable, script)
    }

    /// What process `name` does before it waits, in bash.
    func script(_ name: String, _ text: String) throws {
        try text.write(toFile: "\(folder)/\(name).sh", atomically: true, encoding: .utf8)
    }

    /// Launcher, router and workers run, and each child has come as far as its script.
    var isUp: Bool {
        let status = Launcher.localStatus(topology)
        return status.allSatisfy { $0.state == .running } && lines("starts").count >= status.count - 1
    }

    /// Process ids of `name`, one per start.
    func starts(of name: String) -> [Int32] {
        lines("starts").compactMap { $0.hasPrefix(name + " ") ? Int32($0.dropFirst(name.count + 1)) : nil }
    }

    func lines(_ file: String) -> [String] {
        let text = (try? String(contentsOf: URL(fileURLWithPath: "\(folder)/\(file)"), encoding: .utf8)) ?? ""
        return text.split(separator: "\n").map(String.init)
    }
}

/// A launcher on a thread of its own.
final class RunningLauncher: Sendable {
    private struct State {
        var events: [LaunchEvent] = []
        var result: Result<Void, LauncherError>?
    }

    let stop = StopRequest()
    private let state = Mutex(State())

    init(_ stage: Stage) {
        Thread.detachNewThread { [self] in
            let result = Result { () throws(LauncherError) in
                try Launcher.launch(stage.topology, options: stage.options, stop: stop) { event in
                    self.state.withLock { $0.events.append(event) }
                }
            }
            state.withLock { $0.result = result }
        }
    }

    /// A copy made under the lock: ThreadSanitizer does not see the reference counts that a shared one is ordered by.
    var events: [LaunchEvent] { state.withLock { $0.events.map { $0 } } }
    var result: Result<Void, LauncherError>? { state.withLock { $0.result } }

    func has(_ isWanted: (LaunchEvent) -> Bool) -> Bool { events.contains(where: isWanted) }

    /// Waits for the end, after a request for it or by itself.
    func finish(request: Bool = true) throws {
        if request { stop.request() }
        try waitUntil("the launcher ends") { result != nil }
        try result?.get()
    }
}

struct TookTooLong: Error, CustomStringConvertible {
    let description: String
}

/// Looks every 5 ms until `condition` holds; throws after `seconds`.
func waitUntil(_ what: String, seconds: Double = 15, _ condition: () throws -> Bool) throws {
    let clock = ContinuousClock()
    let deadline = clock.now + .seconds(seconds)
    while try !condition() {
        guard clock.now < deadline else { throw TookTooLong(description: "after \(seconds) s still not: \(what)") }
        usleep(5000)
    }
}

/// Gone without a trace: neither running nor a zombie.
func isGone(_ processID: Int32) -> Bool {
    !FileManager.default.fileExists(atPath: "/proc/\(processID)")
}

/// A file that can be run.
func writeProgram(_ path: String, _ text: String) throws {
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: path)
}
