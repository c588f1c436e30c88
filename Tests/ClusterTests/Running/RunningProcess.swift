import Foundation
import Threading

/// A process of the program under test. It is killed when the value goes.
final class RunningProcess {
    private let process = Process()
    private let outputPath: String

    /// - Parameter program: what is run instead of the program under test, such as a shell that prepares it.
    init(_ arguments: [String], folder: String, program: String? = nil) throws {
        outputPath = "\(folder)/output-\(UUID().uuidString)"
        try Data().write(to: URL(fileURLWithPath: outputPath))
        try Data().write(to: URL(fileURLWithPath: outputPath + ".err"))
        process.executableURL = URL(fileURLWithPath: try program ?? Places.executable())
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle(forWritingAtPath: outputPath)
        process.standardError = FileHandle(forWritingAtPath: outputPath + ".err")
        try process.run()
    }

    var isRunning: Bool { process.isRunning }
    var processID: Int32 { process.processIdentifier }
    var output: String { Self.text(outputPath) }
    var errors: String { Self.text(outputPath + ".err") }

    private static func text(_ path: String) -> String { (try? String(contentsOfFile: path, encoding: .utf8)) ?? "" }

    func signal(_ signal: Int32) { if process.isRunning { kill(processID, signal) } }

    /// Its exit code; nil when it did not end in time. A process that a signal ended has 128 + the signal, as in a shell.
    func ending(withinSeconds seconds: Double = 30) async throws -> Int32? {
        guard try await eventually(withinSeconds: seconds, { !self.process.isRunning }) else { return nil }
        let status = process.terminationStatus
        return process.terminationReason == .uncaughtSignal ? 128 + status : status
    }

    func end() {
        guard process.isRunning else { return }
        kill(processID, SIGKILL)
        process.waitUntilExit()
    }

    deinit { end() }
}

/// Looks every few milliseconds until `condition` holds; false when it did not in time.
func eventually(
    withinSeconds seconds: Double, _ condition: () async throws -> Bool
) async throws -> Bool {
    let deadline = MonotonicClock.nowMicroseconds + UInt64(seconds * 1e6)
    repeat {
        if try await condition() { return true }
        try await Task.sleep(for: .milliseconds(5))
    } while MonotonicClock.nowMicroseconds < deadline
    return false
}

/// Milliseconds since `moment`, a time of the monotonic clock in microseconds.
func milliseconds(since moment: UInt64) -> Double { Double(MonotonicClock.nowMicroseconds - moment) / 1000 }
