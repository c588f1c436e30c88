import Routing

/// What the router can say to a client: a Delivery or an Advance as they look on the wire.
struct ClientMessage {
    enum Body {
        case accepted
        case tokens(position: Int, [Int32])
        case ended(Outcome)
    }

    var key: QueryKey
    var body: Body
}

/// What a client is like. Only the first kind owes and is owed everything.
enum Habit: CaseIterable {
    case faithful, flooder, nonReader, canceller, resender, conflicting, leaseForgetter, reconnecter
}

/// One client and the queries it waits for.
struct ClientModel {
    struct Pending {
        var key: QueryKey
        var question: Question
        var sentAt: Instant
        var deadlineMilliseconds: UInt64
        /// Tokens received so far, without holes.
        var received: [Int32] = []
        var endings = 0
        /// Times the query was sent.
        var sends = 1
        var outcome: Outcome?
        /// Whether this client was sent the ending of an earlier query under the same id, or sent other bodies.
        var isMuddled = false
    }

    let index: Int
    let identity: String
    let habit: Habit
    var link: Link
    var pending: [Pending] = []
    var nextID: UInt64 = 1
    var readsAgainAt = Instant(microseconds: 0)
    /// Sent and not read: the high-water mark's business.
    var unread: [ClientMessage] = []
    var inPipe = 0
    /// Nothing has gone wrong on its side or its link.
    var isSound = true

    /// Its pipe was full once. An ending may then come too late to be retained; a lease tells the client so.
    var wasCongested = false

    static let highWaterMark = 12
    var isFull: Bool { inPipe >= Self.highWaterMark }

    mutating func newKey() -> QueryKey {
        defer { nextID += 1 }
        return QueryKey(identity: identity, id: QueryID(high: UInt64(index), low: nextID))
    }

    /// By index: a closure over the elements would copy each of them.
    func place(of key: QueryKey) -> Int? {
        pending.indices.last { pending[$0].key.id.low == key.id.low }
    }

    var openCount: Int { pending.indices.count { pending[$0].endings == 0 } }

    /// Drops ended queries, so that a long simulation stays small; the last few are kept to send again.
    mutating func forgetEnded() {
        guard pending.count > 24 else { return }
        let place = pending.indices.first { pending[$0].endings > 0 && !pending[$0].isMuddled }
        if let place { pending.remove(at: place) }
    }
}
