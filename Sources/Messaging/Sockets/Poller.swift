import CZeroMQ
import Glibc
import Threading

/// Waits until one of several sockets has something to receive, or a wake-up arrives.
package struct Poller {
    private let sockets: [any MessageSocket]
    private let wake: Wake?
    private var items: [PollItem] = []
    /// Where each socket's items begin, and the end of the last.
    private var starts: [Int] = []
    private var descriptors: [pollfd] = []

    package init(_ sockets: [any MessageSocket], wake: Wake? = nil) {
        self.sockets = sockets
        self.wake = wake
    }

    /// Waits at most `milliseconds` (negative: without end). Returns whether anything is ready. A wake-up is taken.
    package mutating func wait(milliseconds: Int) throws(SocketError) -> Bool {
        gather()
        while true {
            let ready = poll(milliseconds)
            if ready >= 0 {
                if let wake, woke { wake.clear() }
                for (index, socket) in sockets.enumerated() { socket.polled(items[starts[index]..<starts[index + 1]]) }
                return ready > 0
            }
            if zmq_errno() != EINTR { throw .last("polling \(sockets.count) sockets") }
        }
    }

    /// Connections come and go, and some have something to write: so each time anew.
    private mutating func gather() {
        items.removeAll(keepingCapacity: true)
        starts.removeAll(keepingCapacity: true)
        for socket in sockets {
            starts.append(items.count)
            socket.appendPollItems(to: &items)
        }
        starts.append(items.count)
        if let wake { items.append(PollItem(descriptor: wake.fileDescriptor)) }
    }

    /// `zmq_poll` looks once without waiting before it waits; without one of libzmq's sockets that is a call for nothing.
    private mutating func poll(_ milliseconds: Int) -> Int32 {
        guard items.allSatisfy({ $0.raw.socket == nil }) else {
            return items.withUnsafeMutableBufferPointer { items in
                items.withMemoryRebound(to: zmq_pollitem_t.self) {
                    zmq_poll($0.baseAddress, Int32($0.count), milliseconds)
                }
            }
        }
        descriptors.removeAll(keepingCapacity: true)
        for item in items {
            let events = item.raw.events & Int16(ZMQ_POLLOUT) != 0 ? POLLIN | POLLOUT : POLLIN
            descriptors.append(pollfd(fd: item.raw.fd, events: Int16(events), revents: 0))
        }
        let ready = Glibc.poll(&descriptors, nfds_t(descriptors.count), Int32(clamping: milliseconds))
        for index in items.indices {
            let found = ready > 0 ? descriptors[index].revents : 0
            items[index].raw.revents = found == 0 ? 0 : Int16(ZMQ_POLLIN)
        }
        return ready
    }

    /// Whether the last wait found something to receive on the socket with this index.
    package func isReadable(_ index: Int) -> Bool {
        items[starts[index]..<starts[index + 1]].contains(where: \.isReady)
    }

    /// Whether the last wait found a wake-up.
    package var woke: Bool { wake != nil && items.last?.isReady ?? false }
}
