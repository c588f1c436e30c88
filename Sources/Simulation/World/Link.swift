import Routing

/// Whose connection it is.
enum Peer: Hashable {
    case worker(Int)
    case client(Int)
}

/// One peer's connection to the router. Messages of one connection and direction keep their order; those of different
/// peers overtake each other freely. A cut holds messages up, a drop loses them and starts a new connection with
/// another routing id, which is what a ZeroMQ reconnection does.
struct Link {
    let peer: Peer
    /// Counts connections; what belongs to an earlier one is lost.
    private(set) var generation = 0
    private var arrivalAtRouter = Instant(microseconds: 0)
    private var arrivalAtPeer = Instant(microseconds: 0)
    var cutUntil = Instant(microseconds: 0)

    init(peer: Peer) {
        self.peer = peer
    }

    mutating func drop() {
        generation += 1
    }

    mutating func arrival(toRouter: Bool, at now: Instant, delayMicroseconds: Int) -> Instant {
        let free = max(now, cutUntil).advanced(byMicroseconds: UInt64(delayMicroseconds))
        if toRouter {
            arrivalAtRouter = max(arrivalAtRouter, free)
            return arrivalAtRouter
        }
        arrivalAtPeer = max(arrivalAtPeer, free)
        return arrivalAtPeer
    }

    /// Kind, index and generation in five bytes, the length of libzmq's own routing ids.
    var routingID: [UInt8] {
        let (kind, index): (UInt8, Int) =
            switch peer {
            case .worker(let index): (1, index)
            case .client(let index): (2, index)
            }
        return [kind] + [index >> 8, index, generation >> 8, generation].map { UInt8(truncatingIfNeeded: $0) }
    }

    /// The peer's index and the generation that a routing id names.
    static func parse(_ routingID: [UInt8]) -> (index: Int, generation: Int) {
        (Int(routingID[1]) << 8 | Int(routingID[2]), Int(routingID[3]) << 8 | Int(routingID[4]))
    }
}
