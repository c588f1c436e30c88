import CEnvelope
import CProtobufC

/// The one ending of a query that is not an answer, or the refusal of another request.
package struct Failure: Error, Sendable, Equatable, CustomStringConvertible {
    /// The query's; nil where there is none.
    package var id: QueryID?
    package var kind: FailureKind
    /// What, where, and what to do.
    package var message: String
    /// 0: a retry will not help by itself.
    package var retryAfterMilliseconds: UInt64
    /// Generated tokens that reached the client before.
    package var tokensSent: UInt32
    /// Of a query that went through the graph of nodes.
    package var walk: Walk?

    package init(
        id: QueryID? = nil, kind: FailureKind, message: String, retryAfterMilliseconds: UInt64 = 0,
        tokensSent: UInt32 = 0, walk: Walk? = nil
    ) {
        self.id = id
        self.kind = kind
        self.message = message
        self.retryAfterMilliseconds = retryAfterMilliseconds
        self.tokensSent = tokensSent
        self.walk = walk
    }

    package var description: String { "\(kind): \(message)" }
}

extension Failure {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__Failure> {
        arena.message(skein__failure__init) { c in
            c.id = arena.bytes(id?.bytes ?? [])
            c.kind = Skein__FailureKind(rawValue: kind.rawValue)
            c.message = arena.text(message)
            c.retry_after_milliseconds = retryAfterMilliseconds
            c.tokens_sent = tokensSent
            c.walk = walk?.encoded(arena)
        }
    }

    init(_ c: Skein__Failure) throws(WireError) {
        self.init(
            id: try readOptionalID(c.id, "Failure.id"),
            // A newer peer may know kinds that we do not; that the query has ended must not get lost over that.
            kind: FailureKind(rawValue: c.kind.rawValue) ?? .internal,
            message: try readText(c.message, "Failure.message", max: WireLimits.messageBytesMax),
            retryAfterMilliseconds: c.retry_after_milliseconds,
            tokensSent: c.tokens_sent,
            walk: try c.walk.map { (message) throws(WireError) in try Walk(message.pointee) })
    }
}
