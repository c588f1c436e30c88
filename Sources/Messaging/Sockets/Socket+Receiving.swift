import CZeroMQ

extension Socket {
    /// Takes the next message, if there is one.
    ///
    /// A message beyond `limits` is read to its end, because the next one begins there, but nothing of it is kept.
    package func receive(limits: FrameLimits) throws(SocketError) -> Reception {
        var part = zmq_msg_t()
        zmq_msg_init(&part)
        defer { zmq_msg_close(&part) }
        guard try receivePart(&part) else { return .nothing }
        var collected = Collected(limits: limits)
        if kind == .router {
            collected.routingID = part.bytes()
            guard zmq_msg_more(&part) != 0, try receivePart(&part) else { return .message(collected.received) }
        }
        collected.userID = part.property("User-Id")
        collected.peerAddress = part.property("Peer-Address")
        collected.sourceDescriptor = zmq_msg_get(&part, ZMQ_SRCFD)
        collected.add(&part)
        while zmq_msg_more(&part) != 0 {
            guard try receivePart(&part) else { break }
            collected.add(&part)
        }
        return collected.isOversize ? .oversize(collected.oversize) : .message(collected.received)
    }

    /// libzmq delivers messages whole: once the first part is there, the others are too.
    private func receivePart(_ part: inout zmq_msg_t) throws(SocketError) -> Bool {
        while zmq_msg_recv(&part, handle, ZMQ_DONTWAIT) < 0 {
            switch zmq_errno() {
            case EAGAIN: return false
            case EINTR: continue
            default: throw .last("receiving on a \(kind) socket")
            }
        }
        return true
    }
}

private struct Collected {
    let limits: FrameLimits
    var routingID: [UInt8] = []
    var userID: String?
    var peerAddress: String?
    var sourceDescriptor: Int32 = -1
    var frames: [[UInt8]] = []
    var framesSeen = 0
    var bytesSeen = 0

    init(limits: FrameLimits) { self.limits = limits }

    var isOversize: Bool { framesSeen > limits.framesMax || bytesSeen > limits.bytesMax }

    var received: Received {
        Received(
            routingID: routingID, frames: frames, userID: userID, peerAddress: peerAddress,
            sourceDescriptor: sourceDescriptor)
    }

    var oversize: Oversize {
        Oversize(
            routingID: routingID, frames: framesSeen, bytes: bytesSeen, userID: userID, peerAddress: peerAddress)
    }

    mutating func add(_ part: inout zmq_msg_t) {
        framesSeen += 1
        bytesSeen += zmq_msg_size(&part)
        if isOversize { frames = [] } else { frames.append(part.bytes()) }
    }
}

extension zmq_msg_t {
    mutating func bytes() -> [UInt8] {
        // A short message lives inside the struct itself, so the pointer is good only while the struct stays put.
        withUnsafeMutablePointer(to: &self) { part in
            let size = zmq_msg_size(part)
            guard size > 0, let data = zmq_msg_data(part) else { return [] }
            return [UInt8](UnsafeRawBufferPointer(start: data, count: size))
        }
    }

    /// A property that the connection's handshake left, such as `User-Id`.
    mutating func property(_ name: String) -> String? {
        guard let text = zmq_msg_gets(&self, name) else { return nil }
        return String(cString: text)
    }
}
