import CZeroMQ

/// A socket's limits and time-outs. The defaults are the design's; libzmq's own are in brackets.
package struct SocketOptions: Sendable {
    /// Whole messages kept per peer before a send is refused [1000].
    package var sendMessagesMax = 1000
    /// Whole messages kept per peer before its connection is no longer read [1000].
    package var receiveMessagesMax = 1000
    /// Bytes of one frame; a peer that sends more is disconnected [no limit].
    package var frameBytesMax = 4 << 20
    /// How long unsent messages may hold up closing [without end].
    package var lingerMilliseconds = 1000
    /// How long a connection may take to authenticate [30 s]. An idle TCP connection holds a descriptor for that long.
    package var handshakeMilliseconds = 3000
    /// Time between pings on an idle connection, and how long a peer may stay silent [off].
    package var heartbeatMilliseconds = 1000
    package var heartbeatTimeoutMilliseconds = 3000
    /// Time between attempts to connect, growing up to the bound [100 ms, no growth].
    package var reconnectMilliseconds = 50
    package var reconnectMillisecondsMax = 1000
    /// A send waits for a real connection rather than queueing to a peer that may never come [false].
    package var immediate = true
    /// Connections that the kernel holds for `accept` [100].
    package var backlog = 256

    package init() {}
}

extension Socket {
    func apply(_ options: SocketOptions) throws(SocketError) {
        try set(ZMQ_SNDHWM, options.sendMessagesMax)
        try set(ZMQ_RCVHWM, options.receiveMessagesMax)
        try set(ZMQ_MAXMSGSIZE, int64: Int64(options.frameBytesMax))
        try set(ZMQ_LINGER, options.lingerMilliseconds)
        try set(ZMQ_HANDSHAKE_IVL, options.handshakeMilliseconds)
        try set(ZMQ_HEARTBEAT_IVL, options.heartbeatMilliseconds)
        try set(ZMQ_HEARTBEAT_TIMEOUT, options.heartbeatTimeoutMilliseconds)
        try set(ZMQ_RECONNECT_IVL, options.reconnectMilliseconds)
        try set(ZMQ_RECONNECT_IVL_MAX, options.reconnectMillisecondsMax)
        try set(ZMQ_IMMEDIATE, options.immediate ? 1 : 0)
        try set(ZMQ_BACKLOG, options.backlog)
        try set(ZMQ_IPV6, 0)
        try set(ZMQ_TCP_KEEPALIVE, 1)
        if kind == .router {
            // Without the first, sends to a peer that has gone vanish; with the second, anyone could take a name over.
            try set(ZMQ_ROUTER_MANDATORY, 1)
            try set(ZMQ_ROUTER_HANDOVER, 0)
        }
    }
}
