import Routing

/// What is going to happen, earliest first; things at the same moment happen in the order in which they were planned.
struct Agenda<Item> {
    private var entries: [(moment: UInt64, order: UInt64, item: Item)] = []
    private var nextOrder: UInt64 = 0

    var count: Int { entries.count }
    var nextMoment: Instant? { entries.first.map { Instant(microseconds: $0.moment) } }

    mutating func plan(_ item: Item, at moment: Instant) {
        entries.append((moment.microseconds, nextOrder, item))
        nextOrder += 1
        var place = entries.count - 1
        while place > 0, isBefore(place, (place - 1) / 2) {
            entries.swapAt(place, (place - 1) / 2)
            place = (place - 1) / 2
        }
    }

    mutating func next() -> (moment: Instant, item: Item)? {
        guard let first = entries.first else { return nil }
        let last = entries.removeLast()
        if !entries.isEmpty {
            entries[0] = last
            sink()
        }
        return (Instant(microseconds: first.moment), first.item)
    }

    private mutating func sink() {
        var place = 0
        while true {
            var least = place
            for child in [2 * place + 1, 2 * place + 2] where child < entries.count && isBefore(child, least) {
                least = child
            }
            guard least != place else { return }
            entries.swapAt(place, least)
            place = least
        }
    }

    private func isBefore(_ left: Int, _ right: Int) -> Bool {
        (entries[left].moment, entries[left].order) < (entries[right].moment, entries[right].order)
    }
}
