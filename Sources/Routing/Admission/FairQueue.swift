/// The queries that wait for a worker of one model, fair over identities.
///
/// A query that lost its worker goes first: it already holds tokens, a client is reading it. Among the others the
/// identity with the fewest running queries is next (max-min fairness), then the one served longest ago; within an
/// identity, first come first served. So a client with a thousand queries delays a newcomer by one slot, not by all.
package struct FairQueue: Sendable {
    private struct Lane {
        var identity: String
        var keys: [QueryKey]
        var servedAt: UInt64
    }

    /// Interrupted queries, in the order in which they were accepted.
    private var interrupted: [(order: UInt64, key: QueryKey)] = []
    private var lanes: [Lane] = []
    private var serving: UInt64 = 0

    package init() {}

    package var isEmpty: Bool { interrupted.isEmpty && lanes.isEmpty }
    package var count: Int { interrupted.count + lanes.reduce(0) { $0 + $1.keys.count } }

    /// All keys, the interrupted first, then lane by lane.
    package var keys: [QueryKey] { interrupted.map(\.key) + lanes.flatMap(\.keys) }

    package mutating func append(_ key: QueryKey) {
        if let index = lanes.firstIndex(where: { $0.identity == key.identity }) {
            lanes[index].keys.append(key)
        } else {
            lanes.append(Lane(identity: key.identity, keys: [key], servedAt: serving))
        }
    }

    package mutating func appendInterrupted(_ key: QueryKey, order: UInt64) {
        let index = interrupted.firstIndex { $0.order > order } ?? interrupted.count
        interrupted.insert((order, key), at: index)
    }

    /// The key to dispatch next among those that `isPlaceable` accepts. Only the head of each lane is asked, so that
    /// nobody overtakes within an identity.
    package func next(running: (String) -> Int, isPlaceable: (QueryKey) -> Bool) -> QueryKey? {
        if let first = interrupted.first(where: { isPlaceable($0.key) }) { return first.key }
        let order = lanes.indices.sorted { left, right in
            let (leftRunning, rightRunning) = (running(lanes[left].identity), running(lanes[right].identity))
            if leftRunning != rightRunning { return leftRunning < rightRunning }
            if lanes[left].servedAt != lanes[right].servedAt { return lanes[left].servedAt < lanes[right].servedAt }
            return left < right
        }
        return order.lazy.compactMap { lanes[$0].keys.first }.first(where: isPlaceable)
    }

    /// Takes a key out, because it was dispatched or because it ended.
    package mutating func remove(_ key: QueryKey, served: Bool) {
        interrupted.removeAll { $0.key == key }
        guard let index = lanes.firstIndex(where: { $0.identity == key.identity }) else { return }
        lanes[index].keys.removeAll { $0 == key }
        if served {
            serving += 1
            lanes[index].servedAt = serving
        }
        if lanes[index].keys.isEmpty { lanes.remove(at: index) }
    }
}
