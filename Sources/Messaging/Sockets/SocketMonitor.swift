import CZeroMQ

/// What a socket's connections go through, as libzmq's monitor tells it.
package enum ConnectionEvent: Sendable, Equatable {
    /// Connected and authenticated: messages flow.
    case ready
    /// The descriptor was the connection's until now: `Received.sourceDescriptor` of what came over it.
    case disconnected(descriptor: Int32)
    /// The peer refused us, or we it: a wrong key, a closed domain, a peer that does not speak ZMTP.
    case handshakeFailed
    case other(UInt16)
}

extension Socket {
    /// A PAIR socket that tells what becomes of this socket's connections; poll it on the same thread.
    package func monitor() throws(SocketError) -> Socket {
        let name = "inproc://monitor-\(UInt(bitPattern: handle))"
        let events =
            ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH
            | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL
        guard zmq_socket_monitor(handle, name, events) == 0 else { throw .last("monitoring a \(kind) socket") }
        var options = SocketOptions()
        options.lingerMilliseconds = 0
        let pair = try Socket(context, .pair, options: options)
        try pair.connect(.inproc(name: "monitor-\(UInt(bitPattern: handle))"))
        return pair
    }
}

extension ConnectionEvent {
    /// Reads a monitor's message: frame 0 is the event (16 bits) and a value (32 bits) in host order.
    package init?(_ message: Received) {
        guard let frame = message.frames.first, frame.count == 6 else { return nil }
        let event = UInt16(frame[0]) | UInt16(frame[1]) << 8
        switch Int32(event) {
        case ZMQ_EVENT_HANDSHAKE_SUCCEEDED: self = .ready
        case ZMQ_EVENT_DISCONNECTED:
            let value = frame[2..<6].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            self = .disconnected(descriptor: Int32(bitPattern: value))
        case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL,
            ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
            self = .handshakeFailed
        default: self = .other(event)
        }
    }
}
