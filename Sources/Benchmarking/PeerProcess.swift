import Foundation
import SystemReasons

/// Why another program could not be measured.
package enum PeerError: Error, Equatable, CustomStringConvertible {
    case notStarted(program: String, reason: String)
    /// It ended, or closed its output, before it answered.
    case ended(program: String)
    case silent(program: String, seconds: Int)
    case unreadable(program: String, line: String)

    package var description: String {
        switch self {
        case .notStarted(let program, let reason):
            "\(program) cannot be started: \(reason); give a program that runs here"
        case .ended(let program): "\(program) ended without an answer; what it said on standard error is above"
        case .silent(let program, let seconds): "\(program) gave no answer within \(seconds) s"
        case .unreadable(let program, let line): "\(program) answered with something else than expected: \(line)"
        }
    }
}

/// Another program that is asked, one JSON object per line, and answers, one JSON object per line. Its standard error is
/// ours. It ends with this object, at the latest when its standard input does.
package final class PeerProcess {
    private let program: String
    private let process = Process()
    private let requests = Pipe()
    private let answers = Pipe()
    private var pending = Data()

    package static let lineBytesMax = 1 << 20

    package init(_ executable: String, _ arguments: [String]) throws(PeerError) {
        program = executable
        process.executableURL = URL(fileURLWithPath: executable)
        process.arguments = arguments
        process.standardInput = requests
        process.standardOutput = answers
        do { try process.run() } catch {
            throw .notStarted(program: executable, reason: SystemReason.text(of: error))
        }
    }

    package func ask<Answer: Decodable>(
        _ request: some Encodable, _: Answer.Type, withinSeconds seconds: Int
    ) throws(PeerError) -> Answer {
        guard process.isRunning, var line = try? JSONEncoder().encode(request) else { throw .ended(program: program) }
        line.append(UInt8(ascii: "\n"))
        do { try requests.fileHandleForWriting.write(contentsOf: line) } catch { throw .ended(program: program) }
        return try read(Answer.self, withinSeconds: seconds)
    }

    /// The next line of its standard output.
    package func read<Answer: Decodable>(_: Answer.Type, withinSeconds seconds: Int) throws(PeerError) -> Answer {
        let line = try nextLine(withinSeconds: seconds)
        do { return try JSONDecoder().decode(Answer.self, from: line) } catch {
            throw .unreadable(program: program, line: String(decoding: line.prefix(200), as: UTF8.self))
        }
    }

    private func nextLine(withinSeconds seconds: Int) throws(PeerError) -> Data {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while true {
            if let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
                defer { pending = Data(pending[(end + 1)...]) }
                return Data(pending[..<end])
            }
            guard pending.count < Self.lineBytesMax else {
                throw .unreadable(program: program, line: "a line of over \(Self.lineBytesMax) bytes")
            }
            guard waitForOutput(until: deadline) else { throw .silent(program: program, seconds: seconds) }
            let more = answers.fileHandleForReading.availableData
            guard !more.isEmpty else { throw .ended(program: program) }
            pending += more
        }
    }

    private func waitForOutput(until deadline: ContinuousClock.Instant) -> Bool {
        var entry = pollfd(fd: answers.fileHandleForReading.fileDescriptor, events: Int16(POLLIN), revents: 0)
        while true {
            let left = ContinuousClock.now.duration(to: deadline) / .milliseconds(1)
            guard left > 0 else { return false }
            if poll(&entry, 1, Int32(min(left.rounded(.up), 1e9))) > 0 { return true }
        }
    }

    deinit {
        try? requests.fileHandleForWriting.close()
        if process.isRunning { process.terminate() }
    }
}
