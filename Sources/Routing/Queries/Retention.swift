/// Ended queries whose answer can be replayed: bounded by count, by count per identity, by bytes and by time. The
/// oldest go first; one identity pushes out its own, not another's, before it may fill a quarter of the place.
package struct Retention: Sendable {
    package struct Entry: Sendable {
        package var key: QueryKey
        package var digest: BodyDigest
        package var node: String
        package var promptTokens: Int
        package var attempts: Int
        package var tokens: [Int32]
        package var logprobs: [TokenLogprobs]
        package var outcome: Outcome
        package var expiresAt: Instant
        /// Whether the ending was sent to somebody and nothing is known to have gone wrong.
        package fileprivate(set) var isDelivered: Bool
        fileprivate(set) var order: UInt64 = 0

        package init(
            key: QueryKey, digest: BodyDigest, node: String, promptTokens: Int, attempts: Int, tokens: [Int32],
            logprobs: [TokenLogprobs], outcome: Outcome, expiresAt: Instant, isDelivered: Bool
        ) {
            self.key = key
            self.digest = digest
            self.node = node
            self.promptTokens = promptTokens
            self.attempts = attempts
            self.tokens = tokens
            self.logprobs = logprobs
            self.outcome = outcome
            self.expiresAt = expiresAt
            self.isDelivered = isDelivered
        }

        /// What it costs to keep this, roughly: ids, log probabilities, and a constant for everything else.
        package var byteCount: Int {
            512 + tokens.count * 4 + logprobs.reduce(0) { $0 + 24 + $1.top.count * 8 } + key.identity.utf8.count
                + traceByteCount
        }

        private var traceByteCount: Int {
            guard case .answered(let final) = outcome else { return 0 }
            return final.traceByteCount
        }
    }

    private let limits: RoutingLimits
    private var entries: [QueryKey: Entry] = [:]
    /// Oldest first; a number whose entry is gone is skipped.
    private var oldest = Line()
    private var oldestOfIdentity: [String: Line] = [:]
    package private(set) var byteCount = 0
    private var nextOrder: UInt64 = 0

    package init(limits: RoutingLimits) {
        self.limits = limits
    }

    package var count: Int { entries.count }
    package subscript(key: QueryKey) -> Entry? { entries[key] }

    /// When the oldest expires.
    package var nextExpiry: Instant? { oldest.first.flatMap { entries[$0.key]?.expiresAt } }

    package mutating func insert(_ entry: Entry) {
        guard entry.byteCount <= limits.retainedBytesMax, limits.retainedMax > 0 else { return }
        remove(entry.key)
        let identity = entry.key.identity
        if oldestOfIdentity[identity, default: Line()].count >= limits.retainedPerIdentityMax {
            oldestOfIdentity[identity]?.first.map { remove($0.key) }
        }
        while count >= limits.retainedMax || byteCount + entry.byteCount > limits.retainedBytesMax {
            guard let first = oldest.first else { break }
            remove(first.key)
        }
        append(entry)
    }

    package mutating func setDelivered(_ key: QueryKey, _ isDelivered: Bool) {
        entries[key]?.isDelivered = isDelivered
    }

    package mutating func expire(at now: Instant) {
        while let first = oldest.first, let entry = entries[first.key], entry.expiresAt <= now {
            remove(first.key)
        }
    }

    private mutating func append(_ entry: Entry) {
        nextOrder += 1
        var entry = entry
        entry.order = nextOrder
        byteCount += entry.byteCount
        oldest.append(entry.key, order: entry.order)
        oldestOfIdentity[entry.key.identity, default: Line()].append(entry.key, order: entry.order)
        entries[entry.key] = entry
    }

    private mutating func remove(_ key: QueryKey) {
        guard let entry = entries.removeValue(forKey: key) else { return }
        byteCount -= entry.byteCount
        oldest.remove(order: entry.order)
        oldestOfIdentity[key.identity]?.remove(order: entry.order)
        if oldestOfIdentity[key.identity]?.count == 0 { oldestOfIdentity[key.identity] = nil }
    }
}

/// Keys in the order of their numbers, oldest first. Removal marks a place; marked places leave when they are at the
/// front or outnumber the rest, so the cost is O(log n) and the size at most twice what is alive.
private struct Line: Sendable {
    private var places: [(order: UInt64, key: QueryKey?)] = []
    private var head = 0
    private(set) var count = 0

    var first: (order: UInt64, key: QueryKey)? {
        guard head < places.count, let key = places[head].key else { return nil }
        return (places[head].order, key)
    }

    mutating func append(_ key: QueryKey, order: UInt64) {
        places.append((order, key))
        count += 1
    }

    mutating func remove(order: UInt64) {
        var (low, high) = (head, places.count)
        while low < high {
            let middle = (low + high) / 2
            if places[middle].order < order { low = middle + 1 } else { high = middle }
        }
        guard low < places.count, places[low].order == order, places[low].key != nil else { return }
        places[low].key = nil
        count -= 1
        while head < places.count, places[head].key == nil { head += 1 }
        guard places.count > 2 * count + 8 else { return }
        places.removeAll { $0.key == nil }
        head = 0
    }
}
