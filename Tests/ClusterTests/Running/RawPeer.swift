import Foundation
import Messaging

/// A bare socket: says what no client library would.
struct RawPeer {
    private let socket: Socket

    init(_ endpoint: Endpoint, security: ConnectorSecurity = .none) throws {
        socket = try Socket(ZeroMQContext(), .dealer)
        try socket.connect(endpoint, security: security)
    }

    /// False when no connection takes it in time.
    func send(_ frames: [[UInt8]], withinSeconds seconds: Double = 5) async throws -> Bool {
        try await eventually(withinSeconds: seconds) { try socket.send(frames) == .sent }
    }

    func send(_ message: Message) async throws -> Bool { try await send(Envelope(message).frames()) }

    /// The next message that is there.
    func next() throws -> Envelope? {
        guard case .message(let received) = try socket.receive() else { return nil }
        return try Envelope(frames: received.frames)
    }

    /// The next failure that arrives; what else arrives is passed over.
    func failure(withinSeconds seconds: Double = 5) async throws -> Failure? {
        var found: Failure?
        _ = try await eventually(withinSeconds: seconds) {
            while case .message(let received) = try socket.receive() {
                if case .failure(let failure) = try Envelope(frames: received.frames).message { found = failure }
            }
            return found != nil
        }
        return found
    }
}

/// TCP connections that are never a ZeroMQ peer's.
final class RawConnections {
    private var descriptors: [Int32] = []

    init(port: UInt16, count: Int, sending bytes: [UInt8]) throws {
        for _ in 0..<count {
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            descriptors.append(descriptor)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            let result = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            guard result == 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
            if !bytes.isEmpty { _ = Foundation.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) }
        }
    }

    deinit { for descriptor in descriptors { close(descriptor) } }
}

extension Endpoint {
    /// Of a port on loopback that was free a moment ago.
    static func freePort() throws -> UInt16 {
        let socket = try Socket(ZeroMQContext(), .router)
        guard case .tcp(_, let port) = try socket.bind(.tcp(host: "127.0.0.1", port: 0)) else { return 0 }
        return port
    }
}
