import Foundation
import Glibc
import Synchronization
import Threading

/// A server on loopback that answers each connection as its script says, misbehaviour included.
final class FakeServer: Sendable {
    enum Act: Sendable {
        case send(String)
        case wait(milliseconds: Int)
        /// Says nothing more and keeps the connection.
        case hang
    }

    let port: UInt16
    private let descriptor: Int32
    private let thread: NamedThread
    private let requests = Mutex<[String]>([])
    private let ended = Atomic<Bool>(false)

    var url: String { "http://127.0.0.1:\(port)/v1" }
    /// Heads and bodies as they came.
    var received: [String] { requests.withLock { $0 } }

    init(_ script: [Act]) throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { plain in
                bind(descriptor, plain, length) == 0 && listen(descriptor, 16) == 0
                    && getsockname(descriptor, plain, &length) == 0
            }
        }
        guard bound else { throw ServerError() }
        port = UInt16(bigEndian: address.sin_port)
        self.descriptor = descriptor
        let box = Weak()
        thread = try NamedThread(name: "fake-server") {
            while true {
                let connection = accept(descriptor, nil, nil)
                guard connection >= 0 else { return }
                box.server.withLock { $0 }?.serve(connection, script)
            }
        }
        box.server.withLock { $0 = self }
    }

    private final class Weak: Sendable {
        let server = Mutex<FakeServer?>(nil)
    }

    struct ServerError: Error {}

    func stop() {
        ended.store(true, ordering: .relaxed)
        shutdown(descriptor, Int32(SHUT_RDWR))
        thread.join()
        close(descriptor)
    }

    private func serve(_ connection: Int32, _ script: [Act]) {
        let request = read(connection)
        requests.withLock { $0.append(request) }
        for act in script {
            switch act {
            case .send(let text): _ = Array(text.utf8).withUnsafeBytes { write(connection, $0.baseAddress, $0.count) }
            case .wait(let milliseconds): usleep(UInt32(milliseconds) * 1000)
            case .hang: while !ended.load(ordering: .relaxed) { usleep(5000) }
            }
        }
        close(connection)
    }

    /// Head and body.
    private func read(_ connection: Int32) -> String {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(connection, &buffer, buffer.count, 0)
            guard count > 0 else { break }
            bytes += buffer[..<count]
            let text = String(decoding: bytes, as: UTF8.self)
            guard let end = text.range(of: "\r\n\r\n") else { continue }
            let length = text[..<end.lowerBound].split(separator: "\r\n")
                .first { $0.lowercased().hasPrefix("content-length:") }
                .flatMap { Int($0.split(separator: ":")[1].filter(\.isNumber)) }
            if text[end.upperBound...].utf8.count >= length ?? 0 { break }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    // MARK: What servers say

    static func head(_ status: String, _ headers: [String], length: Int? = nil) -> String {
        (["HTTP/1.1 \(status)"] + headers + (length.map { ["Content-Length: \($0)"] } ?? []) + ["Connection: close"])
            .joined(separator: "\r\n") + "\r\n\r\n"
    }

    static let stream = head("200 OK", ["Content-Type: text/event-stream"])

    static func piece(_ text: String, finish: String? = nil) -> String {
        let reason = finish.map { "\"\($0)\"" } ?? "null"
        return "data: {\"choices\":[{\"delta\":{\"content\":\"\(text)\"},\"finish_reason\":\(reason)}]}\n\n"
    }
}
