/// One pending moment per key, the earliest at hand: a binary heap with an index from key to place, so that setting,
/// moving and cancelling cost O(log n) and nothing stale stays behind (a heap with lazy deletion would grow with every
/// short query that had a long deadline). Equal moments fire in the order in which they were set.
package struct TimerHeap<Key: Hashable & Sendable>: Sendable {
    private struct Entry {
        var moment: Instant
        var order: UInt64
        var key: Key

        func isBefore(_ other: Entry) -> Bool {
            moment == other.moment ? order < other.order : moment < other.moment
        }
    }

    private var entries: [Entry] = []
    private var places: [Key: Int] = [:]
    private var nextOrder: UInt64 = 0

    package init() {}

    package var count: Int { entries.count }
    package var earliest: Instant? { entries.first?.moment }

    package func moment(of key: Key) -> Instant? {
        places[key].map { entries[$0].moment }
    }

    /// Sets or moves the moment of `key`; nil cancels it.
    package mutating func set(_ key: Key, to moment: Instant?) {
        guard let moment else { return cancel(key) }
        if let place = places[key] {
            guard entries[place].moment != moment else { return }
            entries[place].moment = moment
            settle(place)
        } else {
            entries.append(Entry(moment: moment, order: nextOrder, key: key))
            nextOrder += 1
            places[key] = entries.count - 1
            rise(entries.count - 1)
        }
    }

    package mutating func cancel(_ key: Key) {
        guard let place = places.removeValue(forKey: key) else { return }
        let last = entries.removeLast()
        guard place < entries.count else { return }
        entries[place] = last
        places[last.key] = place
        settle(place)
    }

    /// Takes out the earliest key whose moment is not after `now`.
    package mutating func popDue(at now: Instant) -> Key? {
        guard let first = entries.first, first.moment <= now else { return nil }
        cancel(first.key)
        return first.key
    }

    private mutating func settle(_ place: Int) {
        rise(place)
        sink(place)
    }

    private mutating func rise(_ start: Int) {
        var place = start
        while place > 0, entries[place].isBefore(entries[(place - 1) / 2]) {
            exchange(place, (place - 1) / 2)
            place = (place - 1) / 2
        }
    }

    private mutating func sink(_ start: Int) {
        var place = start
        while true {
            var least = place
            for child in [2 * place + 1, 2 * place + 2]
            where child < entries.count && entries[child].isBefore(entries[least]) {
                least = child
            }
            guard least != place else { return }
            exchange(place, least)
            place = least
        }
    }

    private mutating func exchange(_ left: Int, _ right: Int) {
        entries.swapAt(left, right)
        places[entries[left].key] = left
        places[entries[right].key] = right
    }
}
