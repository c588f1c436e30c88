import Messaging
import Routing

/// Replies and refusals that a client's full pipe did not take, kept for a while and in order. What a query owes its
/// client is kept by the routing core instead, which can make it again.
struct HeldReplies {
    private struct Held {
        let message: Messaging.Message
        let connection: ClientConnection
        let untilMicroseconds: UInt64
    }

    private static let repliesMax = 256
    private static let retryMicroseconds: UInt64 = 50_000
    /// As long as the core keeps trying a congested client.
    private static let keepMicroseconds: UInt64 = 5_000_000

    private var held: [Held] = []
    private var nextTry: UInt64 = 0

    /// When to call `retry` again; nil when nothing is held.
    var nextMicroseconds: UInt64? { held.isEmpty ? nil : nextTry }

    /// A later reply must not overtake one that waits.
    func holds(for connection: ClientConnection) -> Bool { held.contains { $0.connection == connection } }

    /// False when too much is held already.
    mutating func hold(_ message: Messaging.Message, for connection: ClientConnection, at now: UInt64) -> Bool {
        guard held.count < Self.repliesMax else { return false }
        if held.isEmpty { nextTry = now + Self.retryMicroseconds }
        held.append(
            Held(message: message, connection: connection, untilMicroseconds: now + Self.keepMicroseconds))
        return true
    }

    /// Sends what goes; gives the number of replies that nobody took in time.
    mutating func retry(at now: UInt64, send: (Messaging.Message, ClientConnection) -> SendOutcome) -> Int {
        guard !held.isEmpty, now >= nextTry else { return 0 }
        nextTry = now + Self.retryMicroseconds
        var full: Set<ClientConnection> = []
        var dropped = 0
        held.removeAll { reply in
            if !full.contains(reply.connection), send(reply.message, reply.connection) != .full { return true }
            full.insert(reply.connection)
            guard now >= reply.untilMicroseconds else { return false }
            dropped += 1
            return true
        }
        return dropped
    }
}
