import CZeroMQ

/// A ZeroMQ socket as its owner's thread sees it, whoever does the reading and writing: libzmq's I/O thread (`Socket`), or the owner
/// itself (`InlineDealer`, `InlineRouter`).
package protocol MessageSocket: AnyObject {
    /// Sends one message; on a ROUTER to the peer with `routingID`. Never blocks.
    func send(_ frames: [[UInt8]], to routingID: [UInt8]) throws(SocketError) -> SendOutcome

    /// Takes the next message, if there is one. Never blocks.
    func receive(limits: FrameLimits) throws(SocketError) -> Reception

    /// What to wait for now.
    func appendPollItems(to items: inout [PollItem])

    /// What came of them.
    func polled(_ items: ArraySlice<PollItem>)
}

extension MessageSocket {
    package func send(_ frames: [[UInt8]]) throws(SocketError) -> SendOutcome { try send(frames, to: []) }

    package func receive() throws(SocketError) -> Reception { try receive(limits: FrameLimits()) }

    package func polled(_ items: ArraySlice<PollItem>) {}
}

/// One thing that a poller waits for.
package struct PollItem {
    var raw: zmq_pollitem_t

    /// Whether there is something to receive; also where the peer has gone.
    var isReady: Bool { raw.revents != 0 }

    init(_ socket: Socket) {
        raw = zmq_pollitem_t(socket: socket.handle, fd: 0, events: Int16(ZMQ_POLLIN), revents: 0)
    }

    init(descriptor: Int32, writing: Bool = false) {
        raw = zmq_pollitem_t(
            socket: nil, fd: descriptor, events: Int16(writing ? ZMQ_POLLIN | ZMQ_POLLOUT : ZMQ_POLLIN), revents: 0)
    }
}

extension Socket: MessageSocket {
    package func appendPollItems(to items: inout [PollItem]) { items.append(PollItem(self)) }
}
