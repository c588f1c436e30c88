import Foundation
import Messaging
import Testing

/// A ROUTER behind each door, one authenticator, and a key for each role.
private final class Fortress {
    let context: ZeroMQContext
    let authenticator: Authenticator
    let server: CurveKeyPair
    let keys: [KeyRole: CurveKeyPair]
    let sockets: [Domain: Socket]
    let endpoints: [Domain: Endpoint]

    init(handshakeMilliseconds: Int = 3000, insecure: Bool = false) throws {
        context = try ZeroMQContext()
        server = try CurveKeyPair.generate()
        var keys: [KeyRole: CurveKeyPair] = [:]
        for role in KeyRole.allCases { keys[role] = try CurveKeyPair.generate() }
        self.keys = keys
        let text = keys.map { "\($1.publicKey) \($0.rawValue) the-\($0.rawValue)" }.joined(separator: "\n")
        authenticator = try Authenticator(context, keys: KeyRing(text: text, place: "test"), insecure: insecure)
        var options = SocketOptions()
        options.handshakeMilliseconds = handshakeMilliseconds
        var sockets: [Domain: Socket] = [:], endpoints: [Domain: Endpoint] = [:]
        for domain in [Domain.front, .control] {
            let socket = try Socket(context, .router, options: options)
            endpoints[domain] = try socket.bind(
                Endpoint("tcp://127.0.0.1:*"), domain: domain, security: .curve(server))
            sockets[domain] = socket
        }
        self.sockets = sockets
        self.endpoints = endpoints
    }

    func connect(_ domain: Domain, own: CurveKeyPair, server: CurveKey? = nil) throws -> Socket {
        var options = SocketOptions()
        options.lingerMilliseconds = 0
        let socket = try Socket(ZeroMQContext(), .dealer, options: options)
        try socket.connect(
            endpoints[domain] ?? .inproc(name: "none"),
            security: .curve(own: own, server: server ?? self.server.publicKey))
        return socket
    }

    /// What the router behind the door hears when somebody with this key knocks; nil: nothing.
    func knock(_ domain: Domain, own: CurveKeyPair, server: CurveKey? = nil) throws -> Received? {
        let socket = try connect(domain, own: own, server: server)
        _ = try sendWhenConnected(socket, [bytes("knock")], milliseconds: 400)
        let door = sockets[domain]
        return try door.flatMap { try receive($0, milliseconds: 150) }
    }
}

extension BlockingTests {
    @Suite struct SecurityTests {
        @Test func aListedKeyComesInUnderItsName() throws {
            let fortress = try Fortress()
            let client = try #require(fortress.keys[.client])
            let message = try #require(try fortress.knock(.front, own: client))
            #expect(message.userID.flatMap(Identity.init(userID:)) == Identity(name: "the-client", roles: [.client]))
            #expect(message.peerAddress == "127.0.0.1")
        }

        @Test func anUnlistedKeyIsRefused() throws {
            let fortress = try Fortress()
            #expect(try fortress.knock(.front, own: CurveKeyPair.generate()) == nil)
            #expect(fortress.authenticator.refusals > 0)
        }

        @Test func nobodyConnectsToAServerWithAnotherKey() throws {
            let fortress = try Fortress()
            let client = try #require(fortress.keys[.client])
            #expect(try fortress.knock(.front, own: client, server: CurveKeyPair.generate().publicKey) == nil)
        }

        @Test func rolesOpenTheirOwnDoorsOnly() throws {
            let fortress = try Fortress()
            for (role, door, opens) in [
                (KeyRole.client, Domain.control, false), (.observer, .control, false), (.worker, .front, false),
                (.worker, .control, true), (.operator, .control, true), (.operator, .front, true),
                (.observer, .front, true),
            ] {
                let key = try #require(fortress.keys[role])
                #expect(try (fortress.knock(door, own: key) != nil) == opens, "\(role) at \(door)")
            }
        }

        @Test func withoutCurveNobodyComesIn() throws {
            let fortress = try Fortress()
            let plain = try Socket(ZeroMQContext(), .dealer)
            try plain.connect(#require(fortress.endpoints[.front]))
            #expect(try !sendWhenConnected(plain, [bytes("hello")], milliseconds: 300))
            #expect(try receive(#require(fortress.sockets[.front]), milliseconds: 100) == nil)
        }

        @Test func aKeyAddedLaterComesInAndARemovedOneDoesNot() throws {
            let fortress = try Fortress()
            let late = try CurveKeyPair.generate()
            #expect(try fortress.knock(.front, own: late) == nil)
            fortress.authenticator.replaceKeys(try KeyRing(text: "\(late.publicKey) client late", place: "test"))
            #expect(try fortress.knock(.front, own: late)?.userID == "client/late")
            #expect(try fortress.knock(.front, own: #require(fortress.keys[.client])) == nil)
        }

        /// Without a handler libzmq admits everyone, unless ZMQ_ZAP_ENFORCE_DOMAIN is set.
        @Test func withoutAnAuthenticatorNobodyComesIn() throws {
            let context = try ZeroMQContext()
            let server = try CurveKeyPair.generate()
            let router = try Socket(context, .router), dealer = try Socket(context, .dealer)
            let bound = try router.bind(Endpoint("tcp://127.0.0.1:*"), domain: .front, security: .curve(server))
            try dealer.connect(bound, security: .curve(own: CurveKeyPair.generate(), server: server.publicKey))
            #expect(try !sendWhenConnected(dealer, [bytes("hello")], milliseconds: 300))
            #expect(try receive(router, milliseconds: 100) == nil)
        }

        @Test func ipcPeersOfTheSameUserNeedNoKey() throws {
            let sandbox = try Sandbox()
            let context = try ZeroMQContext()
            let authenticator = try Authenticator(context, keys: KeyRing())
            let router = try Socket(context, .router), dealer = try Socket(context, .dealer)
            let bound = try router.bind(sandbox.ipc(), domain: .control, security: .local)
            try dealer.connect(bound)
            #expect(try sendWhenConnected(dealer, [bytes("hello")]))
            let message = try #require(try receive(router))
            #expect(message.userID.flatMap(Identity.init(userID:)) == .local(uid: geteuid()))
            // The kernel's word (SO_PEERCRED), which the authenticator goes by.
            #expect(message.peerAddress == "localhost:\(geteuid()):\(getegid()):\(getpid())")
            #expect(authenticator.refusals == 0)
        }

        @Test func oneSocketListensWithCurveOnTCPAndWithoutOnIPC() throws {
            let sandbox = try Sandbox()
            let fortress = try Fortress()
            let front = try #require(fortress.sockets[.front])
            let ipc = try front.bind(sandbox.ipc(), domain: .front, security: .local)
            let local = try Socket(ZeroMQContext(), .dealer)
            try local.connect(ipc)
            #expect(try sendWhenConnected(local, [bytes("local")]))
            #expect(try receive(front)?.frames == [bytes("local")])
            let client = try #require(fortress.keys[.client])
            #expect(try fortress.knock(.front, own: client)?.userID == "client/the-client")
            let plain = try Socket(ZeroMQContext(), .dealer)
            try plain.connect(#require(fortress.endpoints[.front]))
            #expect(try !sendWhenConnected(plain, [bytes("hello")], milliseconds: 200))
        }

        @Test func tcpWithoutKeysNeedsAnExplicitWord() throws {
            let context = try ZeroMQContext()
            let router = try Socket(context, .router)
            #expect(throws: SocketError.self) {
                try router.bind(Endpoint("tcp://127.0.0.1:*"), domain: .front, security: .local)
            }
            for insecure in [false, true] {
                let context = try ZeroMQContext()
                let authenticator = try Authenticator(context, keys: KeyRing(), insecure: insecure)
                let router = try Socket(context, .router), dealer = try Socket(context, .dealer)
                let bound = try router.bind(Endpoint("tcp://127.0.0.1:*"), domain: .front, security: .insecure)
                try dealer.connect(bound)
                _ = try sendWhenConnected(dealer, [bytes("hello")], milliseconds: 300)
                let message = try receive(router, milliseconds: 150)
                #expect(message?.userID == (insecure ? Identity.insecure.userID : nil))
                #expect((authenticator.refusals > 0) == !insecure)
            }
        }

        /// CVE-2020-15166: raw TCP connections that never finish a handshake must not keep anyone else out.
        @Test func silentAndBabblingConnectionsKeepNobodyOut() throws {
            let fortress = try Fortress(handshakeMilliseconds: 500)
            guard case .tcp(_, let port) = try #require(fortress.endpoints[.front]) else { return }
            var raw: [Int32] = []
            defer { raw.forEach { close($0) } }
            var generator = SplitMix(seed: 15_166)
            for index in 0..<96 {
                let descriptor = try #require(rawConnection(port))
                raw.append(descriptor)
                if index % 3 == 1 {
                    sendRaw(descriptor, (0..<512).map { _ in UInt8.random(in: 0...255, using: &generator) })
                }
                // A ZMTP greeting for CURVE, and then nothing.
                if index % 3 == 2 { sendRaw(descriptor, greeting) }
            }
            let client = try #require(fortress.keys[.client])
            #expect(try fortress.knock(.front, own: client)?.frames == [bytes("knock")])
            // The silent ones are shown the door when their handshake time is over.
            var ended = 0
            for descriptor in raw { ended += isClosedByPeer(descriptor, milliseconds: 1500) ? 1 : 0 }
            #expect(ended == raw.count)
            #expect(try fortress.knock(.front, own: client)?.frames == [bytes("knock")])
        }

        private var greeting: [UInt8] {
            [0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F, 3, 1] + bytes("CURVE") + [UInt8](repeating: 0, count: 15 + 32)
        }

        private func rawConnection(_ port: UInt16) -> Int32? {
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            let size = socklen_t(MemoryLayout<sockaddr_in>.size)
            let result = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.connect(descriptor, $0, size) }
            }
            return result == 0 ? descriptor : nil
        }

        private func sendRaw(_ descriptor: Int32, _ bytes: [UInt8]) {
            _ = send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
        }

        private func isClosedByPeer(_ descriptor: Int32, milliseconds: Int32) -> Bool {
            var buffer = [UInt8](repeating: 0, count: 1024)
            for _ in 0..<20 {
                var item = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
                guard poll(&item, 1, milliseconds) > 0 else { return false }
                if read(descriptor, &buffer, buffer.count) <= 0 { return true }
            }
            return false
        }
    }
}
