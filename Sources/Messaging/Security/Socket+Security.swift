import CZeroMQ

/// A group of sockets behind one door; the ZAP handler lets a role in or not.
package enum Domain: String, Sendable, CaseIterable {
    case front, control, statistics, data

    /// The roles with business here.
    package var roles: Set<KeyRole> {
        switch self {
        case .front: [.client, .operator, .observer]
        case .control: [.worker, .operator]
        case .data: [.worker]
        case .statistics: [.client, .operator, .observer]
        }
    }
}

/// How a listening socket knows who connects.
package enum ListenerSecurity: Sendable {
    /// Encrypted; the authenticator knows the key.
    case curve(CurveKeyPair)
    /// Not encrypted, over ipc: the authenticator requires the same user.
    case local
    /// Not encrypted, anyone, over TCP: only where the topology says `insecure: true`.
    case insecure
}

/// How a connecting socket proves who it is, and knows whom it talks to.
package enum ConnectorSecurity: Sendable {
    case curve(own: CurveKeyPair, server: CurveKey)
    case none
}

extension Socket {
    /// Binds behind the authenticator's door. The authenticator must be running: without a handler libzmq would refuse
    /// everyone (ZMQ_ZAP_ENFORCE_DOMAIN), which is the right way round.
    ///
    /// Options count from the next bind on, so that one socket may listen with CURVE on TCP and without on ipc.
    @discardableResult
    package func bind(
        _ endpoint: Endpoint, domain: Domain, security: ListenerSecurity
    ) throws(SocketError) -> Endpoint {
        try enforceDomain()
        switch security {
        case .curve(let pair):
            try set(ZMQ_ZAP_DOMAIN, text: domain.rawValue)
            try set(ZMQ_CURVE_SERVER, 1)
            try set(ZMQ_CURVE_SECRETKEY, text: pair.secretKey.description)
        case .local:
            guard endpoint.isLocal else {
                throw SocketError(
                    .notPrivate, "binding \(endpoint)",
                    "TCP needs CURVE keys (skein keygen), or `insecure: true` in the topology")
            }
            try set(ZMQ_CURVE_SERVER, 0)
            try set(ZMQ_ZAP_DOMAIN, text: domain.rawValue)
        case .insecure:
            try set(ZMQ_CURVE_SERVER, 0)
            try set(ZMQ_ZAP_DOMAIN, text: domain.rawValue)
        }
        return try bind(endpoint)
    }

    /// ZMQ_ZAP_ENFORCE_DOMAIN: without it libzmq admits everyone while no ZAP handler is there. Debian's header hides the
    /// name among the draft options, but its library knows the option; whether it took is read back, to be sure.
    private func enforceDomain() throws(SocketError) {
        let option: Int32 = 93
        try set(option, 1)
        var value: Int32 = 0
        var size = 4
        guard zmq_getsockopt(handle, option, &value, &size) == 0, value == 1 else {
            throw .last("setting ZMQ_ZAP_ENFORCE_DOMAIN (needs libzmq 4.3.3 or later)")
        }
    }

    /// Connects and, with CURVE, talks to nobody but the holder of the server's key.
    package func connect(_ endpoint: Endpoint, security: ConnectorSecurity) throws(SocketError) {
        if case .curve(let own, let server) = security {
            try set(ZMQ_CURVE_SERVERKEY, text: server.description)
            try set(ZMQ_CURVE_PUBLICKEY, text: own.publicKey.description)
            try set(ZMQ_CURVE_SECRETKEY, text: own.secretKey.description)
        }
        try connect(endpoint)
    }
}
