import Messaging
import Topology

/// The sockets of the router's loop, in the order in which the loop has them.
enum RouterDoor: Int {
    case front
    case control
    /// Tells when a worker's connection breaks, at once, where heartbeats would take a second or more.
    case controlMonitor
    case statistics

    var index: Int { rawValue }

    init(index: Int) {
        guard let door = Self(rawValue: index) else { preconditionFailure("the router has no socket \(index)") }
        self = door
    }
}

/// Opens the doors. Everything is bound behind the authenticator, which is there first.
struct RouterDoors {
    let context: ZeroMQContext
    /// Answers for every handshake as long as it lives.
    let authenticator: Authenticator
    /// By `RouterDoor.index`.
    let sockets: [Socket]

    init(_ topology: ClusterTopology) throws {
        let locks = try DoorLocks(topology)
        context = try ZeroMQContext()
        authenticator = try Authenticator(context, keys: locks.keys, insecure: topology.security.insecure)
        let front = try Socket(context, .router, options: Self.frontOptions)
        let control = try Socket(context, .router, options: Self.controlOptions)
        let statistics = try Socket(context, .pub)
        sockets = [front, control, try control.monitor(), statistics]
        try locks.bind(front, topology.router.front, .front)
        try locks.bind(control, topology.router.control, .control)
        if let trunk = topology.trunkControl, trunk != topology.router.control.bind {
            try control.bind(try Messaging.Endpoint(trunk.description), domain: .control, security: .local)
        }
        try locks.bind(statistics, topology.router.statistics, .statistics)
    }

    /// Clients send envelopes only.
    private static var frontOptions: SocketOptions {
        var options = SocketOptions()
        options.frameBytesMax = WireLimits.envelopeBytesMax
        return options
    }

    private static var controlOptions: SocketOptions {
        var options = SocketOptions()
        options.frameBytesMax = 4 << 20
        options.sendMessagesMax = 4096
        options.receiveMessagesMax = 4096
        return options
    }
}

/// Which keys open which door.
private struct DoorLocks {
    let keys: KeyRing
    private let server: CurveKeyPair?
    private let insecure: Bool

    init(_ topology: ClusterTopology) throws {
        let security = topology.security
        insecure = security.insecure
        keys = try security.authorisedKeysFile.map { try KeyRing(contentsOf: $0) } ?? KeyRing()
        server = try security.serverKeyFile.map { try KeyFile.readPair($0) }
    }

    func bind(_ socket: Socket, _ address: ListeningAddress, _ domain: Domain) throws {
        let endpoint = try Messaging.Endpoint(address.bind.description)
        try socket.bind(endpoint, domain: domain, security: security(of: endpoint))
    }

    private func security(of endpoint: Messaging.Endpoint) -> ListenerSecurity {
        if endpoint.isLocal { return .local }
        if insecure { return .insecure }
        // Without a key pair `.local` refuses a TCP endpoint and says what to do.
        return server.map { .curve($0) } ?? .local
    }
}
