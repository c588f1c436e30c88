import CZeroMQ
import Synchronization

/// One libzmq context: its I/O threads and the `inproc` name space.
///
/// Sockets keep it alive; when the last one has gone it ends, after at most the sockets' linger time. A process that
/// exits before that loses what was still to be sent: call `end()`, or release the context, before `exit`.
package final class ZeroMQContext: @unchecked Sendable {
    // A context is thread safe by libzmq's contract; only the pointer is ours, and it never changes.
    let handle: UnsafeMutableRawPointer
    private let ended = Mutex(false)
    let openSockets = Atomic<Int>(0)

    package init(ioThreads: Int = 1, socketsMax: Int = 1023) throws(SocketError) {
        guard let handle = zmq_ctx_new() else { throw .last("creating a ZeroMQ context") }
        self.handle = handle
        zmq_ctx_set(handle, ZMQ_IO_THREADS, Int32(clamping: ioThreads))
        zmq_ctx_set(handle, ZMQ_MAX_SOCKETS, Int32(clamping: socketsMax))
        zmq_ctx_set(handle, ZMQ_BLOCKY, 0)
        zmq_ctx_set(handle, ZMQ_IPV6, 0)
    }

    /// Makes every blocked and later call on this context's sockets fail with `contextEnded`.
    package func shutdown() { zmq_ctx_shutdown(handle) }

    /// Waits until everything that was sent has left, for at most the sockets' linger time. Every socket, the
    /// authenticator's included, must have been released: libzmq would wait for them without end.
    package func end() {
        ended.withLock { ended in
            guard !ended else { return }
            let open = openSockets.load(ordering: .acquiring)
            precondition(open == 0, "\(open) sockets are still open at the end of their context")
            while zmq_ctx_term(handle) != 0, zmq_errno() == EINTR {}
            ended = true
        }
    }

    deinit { end() }
}
