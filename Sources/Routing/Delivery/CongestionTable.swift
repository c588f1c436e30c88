/// Client connections that take no more for the moment, and what they still have to get. While something is pending
/// for a connection nothing else is sent to it; the retry sends all of it again from the position that was lost.
struct CongestionTable: Sendable {
    struct Pending: Hashable, Sendable {
        var query: QueryKey
        /// Of the first generated token that did not arrive.
        var position: Int
    }

    struct Refusal: Hashable, Sendable {
        var query: QueryKey
        var failure: Failure
    }

    struct Congestion: Sendable {
        /// When this connection last took something.
        var since: Instant
        var pending: [Pending] = []
        /// Failures about queries that were never accepted: there is nothing else to make them from again.
        var refusals: [Refusal] = []
        /// What the last retry sent.
        fileprivate var attempted: [Pending] = []
        fileprivate var refusalsAttempted = 0

        var isClear: Bool { pending.isEmpty && refusals.isEmpty }

        /// A slow reader takes something now and then: not all that was sent again came back at the same position.
        fileprivate var hasTakenSome: Bool {
            !attempted.allSatisfy(pending.contains) || refusals.count < refusalsAttempted
        }
    }

    private var connections: [ClientConnection: Congestion] = [:]

    var count: Int { connections.count }
    subscript(connection: ClientConnection) -> Congestion? { connections[connection] }

    /// Whether messages to this connection have to wait their turn.
    func holdsBack(_ connection: ClientConnection) -> Bool {
        connections[connection].map { !$0.isClear } ?? false
    }

    mutating func add(_ pending: Pending, to connection: ClientConnection, at now: Instant) {
        var congestion = connections.removeValue(forKey: connection) ?? Congestion(since: now)
        if let index = congestion.pending.firstIndex(where: { $0.query == pending.query }) {
            congestion.pending[index].position = min(congestion.pending[index].position, pending.position)
        } else {
            congestion.pending.append(pending)
        }
        connections[connection] = congestion
    }

    /// Takes out what is pending, so that the caller sends it; the connection stays known until it has stayed clear
    /// for a whole retry interval.
    mutating func takePending(_ connection: ClientConnection) -> (pending: [Pending], refusals: [Refusal]) {
        guard let congestion = connections[connection] else { return ([], []) }
        connections[connection]?.attempted = congestion.pending
        connections[connection]?.refusalsAttempted = congestion.refusals.count
        connections[connection]?.pending = []
        connections[connection]?.refusals = []
        return (congestion.pending, congestion.refusals)
    }

    /// False where the connection has too many already.
    mutating func add(_ refusal: Refusal, to connection: ClientConnection, at now: Instant, max: Int) -> Bool {
        var congestion = connections.removeValue(forKey: connection) ?? Congestion(since: now)
        let fits = congestion.refusals.count < max
        if fits { congestion.refusals.append(refusal) }
        connections[connection] = congestion
        return fits
    }

    /// Moves `since` to now if the last retry got anywhere.
    mutating func noteProgress(_ connection: ClientConnection, at now: Instant) {
        guard connections[connection]?.hasTakenSome == true else { return }
        connections[connection]?.since = now
    }

    mutating func forgive(microseconds: UInt64) {
        for index in connections.values.indices {
            connections.values[index].since = connections.values[index].since.advanced(byMicroseconds: microseconds)
        }
    }

    /// A query that is now delivered elsewhere, or whose outcome is gone, is owed nothing here.
    mutating func drop(_ query: QueryKey, from connection: ClientConnection) {
        connections[connection]?.pending.removeAll { $0.query == query }
    }

    mutating func remove(_ connection: ClientConnection) {
        connections[connection] = nil
    }
}
