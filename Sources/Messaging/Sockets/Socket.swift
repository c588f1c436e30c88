import CZeroMQ
import Synchronization

/// One libzmq socket. It belongs to one thread at a time: whoever hands it to another thread must not keep it.
///
/// No call blocks: sends and receives that cannot go on say so. Closing waits for nothing; the context, when it ends,
/// waits for unsent messages for at most the linger time.
package final class Socket {
    package enum Kind: Sendable {
        case router, dealer, pub, sub, pair

        var code: Int32 {
            switch self {
            case .router: ZMQ_ROUTER
            case .dealer: ZMQ_DEALER
            case .pub: ZMQ_PUB
            case .sub: ZMQ_SUB
            case .pair: ZMQ_PAIR
            }
        }
    }

    package let kind: Kind
    package let context: ZeroMQContext
    let handle: UnsafeMutableRawPointer

    package init(
        _ context: ZeroMQContext, _ kind: Kind, options: SocketOptions = SocketOptions()
    ) throws(SocketError) {
        guard let handle = zmq_socket(context.handle, kind.code) else { throw .last("opening a \(kind) socket") }
        self.context = context
        self.kind = kind
        self.handle = handle
        context.openSockets.add(1, ordering: .acquiringAndReleasing)
        try apply(options)
    }

    /// Binds and returns the endpoint with the port that the system chose, where the given one was `*`.
    ///
    /// libzmq replaces an ipc file that another process still listens on without a word, so that is looked at first.
    @discardableResult
    package func bind(_ endpoint: Endpoint) throws(SocketError) -> Endpoint {
        if case .ipc(let path) = endpoint { try LocalSocketPath.prepare(path) }
        guard zmq_bind(handle, endpoint.description) == 0 else { throw .last("binding \(endpoint)") }
        return try Endpoint(lastEndpoint())
    }

    package func connect(_ endpoint: Endpoint) throws(SocketError) {
        guard zmq_connect(handle, endpoint.description) == 0 else { throw .last("connecting to \(endpoint)") }
    }

    package func disconnect(_ endpoint: Endpoint) throws(SocketError) {
        guard zmq_disconnect(handle, endpoint.description) == 0 else { throw .last("disconnecting \(endpoint)") }
    }

    /// SUB only: takes messages whose first frame begins with `topic`.
    package func subscribe(_ topic: String) throws(SocketError) {
        try set(ZMQ_SUBSCRIBE, text: topic)
    }

    private func lastEndpoint() throws(SocketError) -> String {
        var bytes = [CChar](repeating: 0, count: 512)
        var size = bytes.count
        guard zmq_getsockopt(handle, ZMQ_LAST_ENDPOINT, &bytes, &size) == 0 else { throw .last("reading the endpoint") }
        return String(decoding: bytes.prefix(while: { $0 != 0 }).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    func set(_ option: Int32, _ value: Int) throws(SocketError) {
        var value = Int32(clamping: value)
        guard zmq_setsockopt(handle, option, &value, 4) == 0 else { throw .last("setting socket option \(option)") }
    }

    func set(_ option: Int32, int64 value: Int64) throws(SocketError) {
        var value = value
        guard zmq_setsockopt(handle, option, &value, 8) == 0 else { throw .last("setting socket option \(option)") }
    }

    func set(_ option: Int32, text: String) throws(SocketError) {
        let bytes = Array(text.utf8)
        guard zmq_setsockopt(handle, option, bytes, bytes.count) == 0 else {
            throw .last("setting socket option \(option)")
        }
    }

    deinit {
        zmq_close(handle)
        context.openSockets.subtract(1, ordering: .acquiringAndReleasing)
    }
}
