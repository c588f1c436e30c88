/// A query's id: 16 bytes that the client chose at random.
package struct QueryID: Hashable, Sendable, CustomStringConvertible {
    package static let byteCount = 16
    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Nil unless there are exactly 16 bytes.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        var high: UInt64 = 0
        var low: UInt64 = 0
        for (index, byte) in bytes.enumerated() {
            if index < 8 { high = high << 8 | UInt64(byte) } else { low = low << 8 | UInt64(byte) }
        }
        self.init(high: high, low: low)
    }

    package var bytes: [UInt8] {
        (0..<Self.byteCount).map { index in
            let word = index < 8 ? high : low
            return UInt8(truncatingIfNeeded: word >> UInt64(8 * (7 - index % 8)))
        }
    }

    package var description: String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}

/// What names a query inside the router: an id means something only together with the authenticated identity that
/// sent it, so nobody can attach to, cancel or block another client's query by guessing its id.
package struct QueryKey: Hashable, Sendable, CustomStringConvertible {
    /// The ZAP user id, never the routing id.
    package let identity: String
    package let id: QueryID
    /// 0: the query itself. From 1: one of the nodes that answer it at once, a query of its own that no client knows.
    package let branch: UInt8

    package init(identity: String, id: QueryID) { self.init(identity, id, branch: 0) }

    private init(_ identity: String, _ id: QueryID, branch: UInt8) {
        self.identity = identity
        self.id = id
        self.branch = branch
    }

    package var isBranch: Bool { branch > 0 }
    /// The client's query.
    package var root: QueryKey { QueryKey(identity: identity, id: id) }
    /// - Parameter place: from 0, at most 254.
    func branch(_ place: Int) -> QueryKey { QueryKey(identity, id, branch: UInt8(place + 1)) }

    package var description: String { "\(identity)/\(id)\(isBranch ? "#\(branch)" : "")" }
}

/// A digest of a query's body (all that decides the answer: node, prompt, sampling, limits; not `from_position` nor
/// the deadline). The same id with another digest is a conflict.
package struct BodyDigest: Hashable, Sendable {
    package let bytes: [UInt8]

    package init(bytes: [UInt8]) {
        self.bytes = bytes
    }
}

/// A client's connection on the front socket: where answers go, not who asks.
package struct ClientConnection: Hashable, Sendable {
    package let routingID: [UInt8]

    package init(routingID: [UInt8]) {
        self.routingID = routingID
    }
}
