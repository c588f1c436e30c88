/// Where a socket is bound, or reached.
package enum Endpoint: Equatable, Hashable, Sendable, CustomStringConvertible {
    /// A Unix socket at an absolute path.
    case ipc(path: String)
    /// `host` is a name, an address, or `[…]` around an IPv6 address; `*` stands for every interface.
    case tcp(host: String, port: Int)

    /// `sockaddr_un.sun_path` has 108 bytes, the terminator included; libzmq truncates or fails beyond.
    package static let ipcPathBytesMax = 107

    /// As libzmq takes it.
    package var description: String {
        switch self {
        case .ipc(let path): "ipc://\(path)"
        case .tcp(let host, let port): "tcp://\(host):\(port)"
        }
    }

    package var isTCP: Bool {
        if case .tcp = self { true } else { false }
    }

    /// Bound to every interface: nobody can connect to such an address.
    var isWildcard: Bool {
        if case .tcp(let host, _) = self {
            ["*", "0.0.0.0", "[::]", "[0:0:0:0:0:0:0:0]"].contains(host)
        } else {
            false
        }
    }
}

extension Endpoint {
    /// Why a text is no endpoint, and what to write instead.
    struct Problem: Error {
        let message: String
    }

    /// Reads `ipc:///absolute/path` or `tcp://host:port`.
    init(parsing text: String) throws(Problem) {
        if text.hasPrefix("ipc://") {
            self = try .ipc(path: Self.checkedPath(String(text.dropFirst(6))))
        } else if text.hasPrefix("tcp://") {
            self = try Self.tcp(parsing: text.dropFirst(6))
        } else {
            throw Problem(message: "`\(text)` is no endpoint; write ipc, ipc:///absolute/path or tcp://host:port")
        }
    }

    static func checkedPath(_ path: String) throws(Problem) -> String {
        guard path.hasPrefix("/") else {
            throw Problem(message: "the socket path `\(path)` is not absolute; write ipc:///absolute/path, or just ipc")
        }
        guard path.utf8.count <= ipcPathBytesMax else {
            throw Problem(
                message: "the socket path has \(path.utf8.count) bytes and Unix sockets take \(ipcPathBytesMax); "
                    + "choose a shorter folder, or just ipc")
        }
        return path
    }

    private static func tcp(parsing text: Substring) throws(Problem) -> Endpoint {
        guard let colon = text.lastIndex(of: ":") else {
            throw Problem(message: "`tcp://\(text)` has no port; write tcp://host:port")
        }
        let host = String(text[..<colon])
        let portText = String(text[text.index(after: colon)...])
        guard isHost(host) else {
            throw Problem(
                message: "`\(host)` is no host; write a name, an IPv4 address, [IPv6 address] or * for every interface")
        }
        guard let port = decimal(portText), (1...65535).contains(port) else {
            throw Problem(message: "`\(portText)` is no port; give 1 to 65535")
        }
        return .tcp(host: host, port: port)
    }

    private static func isHost(_ host: String) -> Bool {
        if host == "*" { return true }
        let inBrackets = host.hasPrefix("[") && host.hasSuffix("]") && host.utf8.count > 2
        let body = inBrackets ? host.dropFirst().dropLast() : Substring(host)
        guard !body.isEmpty, body.utf8.count <= 253 else { return false }
        return body.unicodeScalars.allSatisfy { scalar in
            let isWord = scalar.isASCII && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil)
            return isWord || scalar == "." || scalar == "-" || scalar == "_" || (inBrackets && scalar == ":")
        }
    }
}

/// A socket of the router: where it is bound, and the address others connect to.
package struct ListeningAddress: Equatable, Sendable {
    package let bind: Endpoint
    /// The same as `bind` unless the topology says otherwise; never a wildcard.
    package let advertise: Endpoint
    package let line: Int
}

extension ListeningAddress {
    static let keys = ["bind", "advertise"]

    /// Reads `key` of `section`: `ipc`, an endpoint, or `{bind: …, advertise: …}`. `standard` is where `ipc` leads.
    init(reading key: String, of section: Section, ipc standard: String) {
        let line = section.line(of: key)
        if section.isMapping(key), let pair = section.section(key, keys: Self.keys) {
            let bind = Self.endpoint("bind", of: pair, ipc: standard)
            let advertise = pair.has("advertise") ? Self.endpoint("advertise", of: pair, ipc: standard) : bind
            self.init(bind: bind, advertise: advertise, line: line)
        } else {
            let endpoint = Self.endpoint(key, of: section, ipc: standard)
            self.init(bind: endpoint, advertise: endpoint, line: line)
        }
        if advertise.isWildcard {
            section.add(
                key,
                "`\(advertise)` means every interface, which nobody can connect to; write "
                    + "{bind: \"\(bind)\", advertise: \"tcp://HOST:PORT\"} with the host's own name")
        }
        if bind.isTCP != advertise.isTCP {
            section.add(key, "bind and advertise must both be tcp or both be ipc")
        }
    }

    private static func endpoint(_ key: String, of section: Section, ipc standard: String) -> Endpoint {
        let text = section.text(key) ?? "ipc"
        do throws(Endpoint.Problem) {
            return text == "ipc" ? .ipc(path: try Endpoint.checkedPath(standard)) : try Endpoint(parsing: text)
        } catch {
            section.add(key, error.message)
            return .ipc(path: standard)
        }
    }
}
