import CZeroMQ

/// What went wrong in libzmq, on which socket or endpoint, and what to do about it.
package struct SocketError: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Kind: Sendable, Equatable {
        case addressInUse
        case addressUnavailable
        case invalidEndpoint
        case notPrivate
        case contextEnded
        case limitReached
        case other(code: Int32)
    }

    package let kind: Kind
    package let operation: String
    package let detail: String

    package init(_ kind: Kind, _ operation: String, _ detail: String) {
        self.kind = kind
        self.operation = operation
        self.detail = detail
    }

    package var description: String { "\(operation): \(detail)" }

    /// `zmq_errno` belongs to the calling thread and to its last call into the library: read before anything else.
    static func last(_ operation: String) -> SocketError {
        let code = zmq_errno()
        let reason = String(cString: zmq_strerror(code))
        switch code {
        case EADDRINUSE:
            return SocketError(
                .addressInUse, operation, "\(reason): another process listens there; stop it or choose another")
        case EADDRNOTAVAIL, ENODEV:
            return SocketError(
                .addressUnavailable, operation, "\(reason): this machine has no such address; bind one that it has")
        case EINVAL, EPROTONOSUPPORT, ENOCOMPATPROTO:
            return SocketError(
                .invalidEndpoint, operation, "\(reason): write tcp://HOST:PORT, ipc://PATH or inproc://NAME")
        case ETERM, ENOTSOCK:
            return SocketError(.contextEnded, operation, "\(reason): the context is shutting down")
        case EMFILE, ENFILE:
            return SocketError(.limitReached, operation, "\(reason): raise `ulimit -n`")
        default:
            return SocketError(.other(code: code), operation, reason)
        }
    }
}
