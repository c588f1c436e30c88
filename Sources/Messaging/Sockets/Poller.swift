import CZeroMQ
import Threading

/// Waits until one of several sockets has something to receive, or a wake-up arrives.
package struct Poller {
    private let sockets: [Socket]
    private let wake: Wake?
    private var items: [zmq_pollitem_t]

    package init(_ sockets: [Socket], wake: Wake? = nil) {
        self.sockets = sockets
        self.wake = wake
        items = sockets.map { zmq_pollitem_t(socket: $0.handle, fd: 0, events: Int16(ZMQ_POLLIN), revents: 0) }
        if let wake {
            items.append(zmq_pollitem_t(socket: nil, fd: wake.fileDescriptor, events: Int16(ZMQ_POLLIN), revents: 0))
        }
    }

    /// Waits at most `milliseconds` (negative: without end). Returns whether anything is ready. A wake-up is taken.
    package mutating func wait(milliseconds: Int) throws(SocketError) -> Bool {
        while true {
            let ready = zmq_poll(&items, Int32(items.count), milliseconds)
            if ready >= 0 {
                if let wake, items[items.count - 1].revents != 0 { wake.clear() }
                return ready > 0
            }
            if zmq_errno() != EINTR { throw .last("polling \(sockets.count) sockets") }
        }
    }

    /// Whether the last wait found something to receive on the socket with this index.
    package func isReadable(_ index: Int) -> Bool { items[index].revents & Int16(ZMQ_POLLIN) != 0 }

    /// Whether the last wait found a wake-up.
    package var woke: Bool { wake != nil && items[items.count - 1].revents != 0 }
}
