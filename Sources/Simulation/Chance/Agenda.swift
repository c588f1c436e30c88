import Routing

/// What is going to happen, earliest first; things at the same moment happen in the order in which they were planned.
///
/// The heap orders small entries and the items stay where they are: an item is an enum of large events, and moving
/// those log n times was a quarter of a simulation's time.
struct Agenda<Item> {
    private struct Entry {
        var moment: UInt64
        var order: UInt64
        var slot: Int

        func isBefore(_ other: Entry) -> Bool {
            moment == other.moment ? order < other.order : moment < other.moment
        }
    }

    private var entries: [Entry] = []
    private var items: [Item?] = []
    private var free: [Int] = []
    private var nextOrder: UInt64 = 0

    var count: Int { entries.count }
    var nextMoment: Instant? { entries.first.map { Instant(microseconds: $0.moment) } }

    mutating func plan(_ item: Item, at moment: Instant) {
        let slot = free.popLast() ?? items.count
        if slot == items.count { items.append(item) } else { items[slot] = item }
        entries.append(Entry(moment: moment.microseconds, order: nextOrder, slot: slot))
        nextOrder += 1
        var place = entries.count - 1
        while place > 0, entries[place].isBefore(entries[(place - 1) / 2]) {
            entries.swapAt(place, (place - 1) / 2)
            place = (place - 1) / 2
        }
    }

    mutating func next() -> (moment: Instant, item: Item)? {
        guard let first = entries.first, let item = items[first.slot].take() else { return nil }
        free.append(first.slot)
        let last = entries.removeLast()
        if !entries.isEmpty {
            entries[0] = last
            sink()
        }
        return (Instant(microseconds: first.moment), item)
    }

    private mutating func sink() {
        var place = 0
        while true {
            var least = place
            for child in [2 * place + 1, 2 * place + 2]
            where child < entries.count && entries[child].isBefore(entries[least]) {
                least = child
            }
            guard least != place else { return }
            entries.swapAt(place, least)
            place = least
        }
    }
}
