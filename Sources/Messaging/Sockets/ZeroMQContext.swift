import CZeroMQ

/// One libzmq context: its I/O threads and the `inproc` name space.
///
/// Sockets keep it alive; when the last one has gone it ends, after at most the sockets' linger time.
package final class ZeroMQContext: @unchecked Sendable {
    // A context is thread safe by libzmq's contract; only the pointer is ours, and it never changes.
    let handle: UnsafeMutableRawPointer

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

    deinit { zmq_ctx_term(handle) }
}
