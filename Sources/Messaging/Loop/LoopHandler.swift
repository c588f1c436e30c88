/// What a `MessageLoop` serves. Every call comes on the loop's thread; none may block.
package protocol LoopHandler: SendableMetatype {
    /// What other threads post.
    associatedtype Posted: Sendable

    mutating func received(_ message: Received, on socket: Int)
    /// A message beyond the frame limits was drained; its sender may be told.
    mutating func received(oversize: Oversize, on socket: Int)
    mutating func posted(_ value: Posted)

    /// The end of a turn. Returns the moment (`MonotonicClock`) of the next turn at the latest; nil: when something
    /// arrives.
    mutating func turn(nowMicroseconds: UInt64) -> UInt64?

    /// The loop is to stop. Asked at the end of each turn until it returns true (nothing is pending) or the drain
    /// time has passed; what was sent by then still goes out, within the sockets' linger time.
    mutating func drain(nowMicroseconds: UInt64) -> Bool

    /// The loop has ended, whatever the reason; the last call. What was posted before has been handed in.
    mutating func ended(_ fault: SocketError?)
}

extension LoopHandler {
    package mutating func drain(nowMicroseconds: UInt64) -> Bool { true }
    package mutating func ended(_ fault: SocketError?) {}
}

package struct LoopLimits: Sendable {
    /// Messages taken from one socket before the others get their turn.
    package var messagesPerTurnMax = 64
    /// Values that other threads may have posted and the loop not yet taken.
    package var postedMax = 4096
    /// How long a stopping loop goes on while its handler has something pending.
    package var drainMilliseconds = 5000
    package var frames = FrameLimits()

    package init() {}
}

/// The loop's sockets, as its handler sees them. It stays on the loop's thread.
package final class LoopPort {
    let sockets: [Socket]
    private(set) var fault: SocketError?

    init(_ sockets: [Socket]) { self.sockets = sockets }

    /// Sends one message on the socket with this index (on a ROUTER: to `routingID`) without blocking.
    ///
    /// A fault of the socket itself, which no handler could mend, ends the loop and counts as `unroutable`.
    package func send(_ frames: [[UInt8]], on socket: Int, to routingID: [UInt8] = []) -> SendOutcome {
        do {
            return try sockets[socket].send(frames, to: routingID)
        } catch {
            fault = error
            return .unroutable
        }
    }

    package func send(_ envelope: Envelope, on socket: Int, to routingID: [UInt8] = []) -> SendOutcome {
        send(envelope.frames(), on: socket, to: routingID)
    }
}
