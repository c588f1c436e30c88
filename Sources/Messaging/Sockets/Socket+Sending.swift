import CZeroMQ

/// What became of a message that was sent without blocking.
package enum SendOutcome: Sendable, Equatable {
    /// libzmq has it.
    case sent
    /// The peer does not read fast enough and its queue is at the limit (EAGAIN); nothing of the message was taken.
    case full
    /// No peer has this routing id, or it has gone (EHOSTUNREACH).
    case unroutable
}

extension Socket {
    /// Sends one message; on a ROUTER to the peer with `routingID`.
    package func send(_ frames: [[UInt8]], to routingID: [UInt8]) throws(SocketError) -> SendOutcome {
        precondition(!frames.isEmpty, "a message without frames")
        precondition(routingID.isEmpty == (kind != .router), "a ROUTER needs a routing id, no other socket takes one")
        if kind == .router {
            let outcome = try sendFrame(routingID, more: true)
            guard outcome == .sent else { return outcome }
        }
        var outcome = SendOutcome.sent
        for (index, frame) in frames.enumerated() {
            // libzmq decides on the first frame. If the peer goes in between, it throws the rest away, and wants to be
            // given the rest: stopping here would make it throw away the next message's first frames instead.
            let result = try sendFrame(frame, more: index < frames.count - 1)
            if result != .sent { outcome = result }
            if result != .sent && index == 0 { break }
        }
        return outcome
    }

    private func sendFrame(_ frame: [UInt8], more: Bool) throws(SocketError) -> SendOutcome {
        let flags = ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0)
        while true {
            if zmq_send(handle, frame, frame.count, flags) >= 0 { return .sent }
            switch zmq_errno() {
            case EAGAIN: return .full
            case EHOSTUNREACH: return .unroutable
            case EINTR: continue
            default: throw .last("sending on a \(kind) socket")
            }
        }
    }
}
