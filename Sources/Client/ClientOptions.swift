import Messaging

package struct ClientOptions: Sendable {
    /// How long `connect` waits for the router's handshake.
    package var connectMilliseconds = 3000
    /// How long the router may be unreachable, or silent although asked, before it counts as dead.
    package var silenceMilliseconds = 3000
    /// How long a request for statistics or status may take.
    package var requestMilliseconds = 5000
    /// What a query may take beyond its deadline before its outcome counts as unknown.
    package var graceMilliseconds = 2000
    /// Queries at once.
    package var queriesMax = 1024
    package var socket = SocketOptions()

    package init() {}
}

/// Why the client could not do what it was asked.
package enum ClientError: Error, Sendable, CustomStringConvertible {
    case unreachable(Endpoint, hint: String)
    case timedOut(String)
    case refused(Failure)
    case closed
    /// Too many queries or requests at once in this client.
    case busy

    package var description: String {
        switch self {
        case .unreachable(let endpoint, let hint): "no router answers at \(endpoint): \(hint)"
        case .timedOut(let what): "the router did not answer the request for \(what) in time; see `skein status`"
        case .refused(let failure): failure.description
        case .closed: "the client is closed"
        case .busy: "this client has too much under way; wait for some of it to end"
        }
    }
}

/// What happens to a query, in order: `accepted`, `partial`s whose tokens and text follow each other without gap or
/// repetition, and one ending.
package enum ClientEvent: Sendable, Equatable {
    case accepted(Accepted)
    case partial(Partial)
    case final(Final)
    case failure(Failure)

    package var isEnding: Bool {
        switch self {
        case .final, .failure: true
        case .accepted, .partial: false
        }
    }
}
