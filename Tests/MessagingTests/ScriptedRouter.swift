import Messaging
import Synchronization
import Threading

/// A router of a few lines: what it answers is the test's business.
final class ScriptedRouter: Sendable {
    typealias Script = @Sendable (Message, _ reply: (Message) -> Void) -> Void

    let endpoint: Endpoint
    private let log: MessageLog
    private let loop: MessageLoop<Handler>

    final class MessageLog: Sendable {
        let messages = Mutex<[Message]>([])
        let silent = Atomic<Bool>(false)
    }

    init(_ endpoint: Endpoint, script: @escaping Script) throws {
        var options = SocketOptions()
        options.lingerMilliseconds = 0
        let socket = try Socket(ZeroMQContext(), .router, options: options)
        self.endpoint = try socket.bind(endpoint)
        let log = MessageLog()
        self.log = log
        loop = try MessageLoop(name: "router", sockets: [socket]) { Handler(port: $0, log: log, script: script) }
    }

    var received: [Message] { log.messages.withLock { $0 } }

    /// From now on it takes messages and answers nothing.
    func fallSilent() { log.silent.store(true, ordering: .relaxed) }

    /// Sends to whoever spoke last.
    func say(_ message: Message) { _ = loop.post(message) }

    /// Closes the socket, as a process that dies does.
    func stop() {
        loop.stop()
        loop.join()
    }

    struct Handler: LoopHandler {
        let port: LoopPort
        let log: MessageLog
        let script: Script
        var last: [UInt8] = []

        mutating func received(_ message: Received, on socket: Int) {
            last = message.routingID
            guard let body = try? Envelope(frames: message.frames).message else { return }
            log.messages.withLock { $0.append(body) }
            guard !log.silent.load(ordering: .relaxed) else { return }
            script(body) { _ = port.send(Envelope($0), on: 0, to: message.routingID) }
        }

        mutating func received(oversize: Oversize, on socket: Int) {}
        mutating func posted(_ message: Message) {
            if !last.isEmpty { _ = port.send(Envelope(message), on: 0, to: last) }
        }
        mutating func turn(nowMicroseconds: UInt64) -> UInt64? { nil }
    }
}

/// Answers of a well-behaved router.
enum Answer {
    static func accepted(_ id: QueryID, lease: UInt64 = 3000) -> Message {
        .accepted(Accepted(id: id, attempt: 1, promptTokens: 1, node: "n", leaseMilliseconds: lease))
    }

    /// Token `position` with its number as text, one byte each.
    static func partial(_ id: QueryID, _ position: UInt32, count: UInt32 = 1) -> Message {
        .partial(
            Partial(
                id: id, attempt: 1, position: position, tokens: (position..<position + count).map { Int32($0) },
                text: (position..<position + count).map { "\($0 % 10)" }.joined(), textOffset: UInt64(position)))
    }

    static func final(_ id: QueryID, tokens: UInt32) -> Message {
        .final(
            Final(
                id: id, attempt: 1, finishReason: .endToken, usage: Usage(promptTokens: 1, generatedTokens: tokens)))
    }

    static let status = Message.statusReply(StatusReply(cluster: "c", state: "ready"))
}
