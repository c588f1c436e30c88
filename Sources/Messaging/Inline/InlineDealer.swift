import Glibc
import Threading

/// A DEALER over ipc whose owner's thread reads and writes itself, where libzmq hands each message from thread to thread: a dispatch's
/// round trip has two changes of thread instead of six. On the wire it is ZMTP like libzmq's, which may be at the other end.
///
/// It connects, connects again, and writes what the kernel would not take at once, while it is used: after a send, poll and receive.
/// It answers pings and sends none: over ipc the kernel tells at once that a peer has gone.
package final class InlineDealer: MessageSocket {
    private let path: String
    private let options: SocketOptions
    private var connection: InlineConnection?
    private var retryAt: UInt64 = 0
    private var pause: UInt64

    package init(connectingTo path: String, options: SocketOptions = SocketOptions()) throws(SocketError) {
        try LocalSocketPath.check(path)
        self.path = path
        self.options = options
        pause = UInt64(options.reconnectMilliseconds) * 1000
        connect()
    }

    /// Without a connection, `full`, as libzmq's with IMMEDIATE.
    package func send(_ frames: [[UInt8]], to routingID: [UInt8]) throws(SocketError) -> SendOutcome {
        precondition(routingID.isEmpty, "only a ROUTER takes a routing id")
        precondition(!frames.isEmpty, "a message without frames")
        renew()
        guard let connection, connection.shakeHands() else { return .full }
        let outcome = connection.send(frames)
        return outcome == .unroutable ? .full : outcome
    }

    package func receive(limits: FrameLimits) throws(SocketError) -> Reception {
        renew()
        guard let connection else { return .nothing }
        let reception = connection.receive(limits: limits)
        if connection.isOpen { pause = UInt64(options.reconnectMilliseconds) * 1000 }
        return reception
    }

    package func appendPollItems(to items: inout [PollItem]) {
        if let connection { items.append(connection.pollItem) }
    }

    /// Lets go of a connection that has ended, and makes a new one when it is time.
    private func renew() {
        guard connection?.fault != nil || connection?.isOpen != true else { return }
        let now = MonotonicClock.nowMicroseconds
        if let connection {
            guard connection.fault != nil || connection.hasFailedToShakeHands(nowMicroseconds: now) else { return }
            self.connection = nil
            postpone(now)
        }
        if now >= retryAt { connect() }
    }

    private func connect() {
        let now = MonotonicClock.nowMicroseconds
        guard let stream = try? StreamDescriptor.make("connecting to ipc://\(path)"), stream.connect(to: path) == 0
        else { return postpone(now) }
        connection = InlineConnection(stream, .dealer, options, nowMicroseconds: now)
    }

    private func postpone(_ now: UInt64) {
        retryAt = now + pause
        pause = min(2 * pause, UInt64(options.reconnectMillisecondsMax) * 1000)
    }
}
