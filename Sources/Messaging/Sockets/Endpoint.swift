import Glibc

/// Where a socket listens or connects: checked before libzmq sees it, so that the error can say what is wrong.
package enum Endpoint: Sendable, Hashable, CustomStringConvertible {
    /// `port` 0 asks the system for a free one.
    case tcp(host: String, port: UInt16)
    case ipc(path: String)
    case inproc(name: String)

    /// `sun_path` holds 108 bytes, the terminator included.
    package static let ipcPathBytesMax = 107

    /// Reads `tcp://HOST:PORT` (port `*` or 0: any), `ipc://PATH` or `inproc://NAME`.
    package init(_ text: String) throws(SocketError) {
        if let rest = text.droppingPrefix("tcp://") {
            self = try Endpoint.parseTCP(rest, in: text)
        } else if let path = text.droppingPrefix("ipc://") {
            try LocalSocketPath.check(path)
            self = .ipc(path: path)
        } else if let name = text.droppingPrefix("inproc://"), !name.isEmpty {
            self = .inproc(name: name)
        } else {
            throw Endpoint.invalid(text, "write tcp://HOST:PORT, ipc://PATH or inproc://NAME")
        }
    }

    package var description: String {
        switch self {
        case .tcp(let host, let port): "tcp://\(host):\(port == 0 ? "*" : String(port))"
        case .ipc(let path): "ipc://\(path)"
        case .inproc(let name): "inproc://\(name)"
        }
    }

    package var isLocal: Bool {
        if case .tcp = self { false } else { true }
    }

    private static func parseTCP(_ rest: String, in text: String) throws(SocketError) -> Endpoint {
        guard let colon = rest.lastIndex(of: ":"), colon != rest.startIndex else {
            throw invalid(text, "the port is missing: tcp://HOST:PORT")
        }
        let host = String(rest[..<colon])
        let portText = rest[rest.index(after: colon)...]
        guard host.utf8.count <= 253, host.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x2F }) else {
            throw invalid(text, "the host is not a name or an address")
        }
        if portText == "*" { return .tcp(host: host, port: 0) }
        guard let port = UInt16(portText) else {
            throw invalid(text, "the port must be a number from 0 to 65535, or *")
        }
        return .tcp(host: host, port: port)
    }

    static func invalid(_ text: String, _ why: String) -> SocketError {
        SocketError(.invalidEndpoint, "endpoint \"\(text)\"", why)
    }
}

extension String {
    func droppingPrefix(_ prefix: String) -> String? {
        hasPrefix(prefix) ? String(dropFirst(prefix.count)) : nil
    }
}
