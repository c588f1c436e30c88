import Foundation
import Messaging
import Testing

/// The suites whose tests wait in system calls. One at a time: each holds one of the few threads that the tests with
/// `await` run on, and all of them at once would hold them all.
@Suite(.serialized) enum BlockingTests {}

/// A folder of its own for one test, short enough for ipc paths; it goes with the value.
final class Sandbox: Sendable {
    let path: String

    init() throws {
        path = "/tmp/sk-\(QueryID.random().description.prefix(12))"
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
    }

    func ipc(_ name: String = "s") throws -> Endpoint { try Endpoint("ipc://\(path)/\(name)") }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// Receives until a message is there; nil after the time.
func receive(
    _ socket: any MessageSocket, milliseconds: Int = 2000, limits: FrameLimits = FrameLimits()
) throws -> Received? {
    var poller = Poller([socket])
    for _ in 0..<max(1, milliseconds / 50) {
        if case .message(let message) = try socket.receive(limits: limits) { return message }
        _ = try poller.wait(milliseconds: 50)
    }
    return nil
}

/// Sends once the socket has a connection; false after the time.
func sendWhenConnected(
    _ socket: any MessageSocket, _ frames: [[UInt8]], to routingID: [UInt8] = [], milliseconds: Int = 2000
) throws -> Bool {
    for _ in 0..<milliseconds / 2 {
        if try socket.send(frames, to: routingID) == .sent { return true }
        usleep(2000)
    }
    return false
}

func residentKiB() -> Int {
    let text = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix("VmRSS:") } ?? ""
    return line.split(separator: " ").compactMap { Int($0) }.first ?? 0
}

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
