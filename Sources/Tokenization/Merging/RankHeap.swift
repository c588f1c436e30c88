/// A binary min-heap of (rank, position), packed into one word so that its order is the merge order.
struct RankHeap {
    private var entries: [UInt64] = []

    mutating func removeAll() { entries.removeAll(keepingCapacity: true) }

    mutating func push(rank: UInt32, position: UInt32) {
        entries.append(UInt64(rank) << 32 | UInt64(position))
        var child = entries.count - 1
        while child > 0, entries[child] < entries[(child - 1) / 2] {
            entries.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func pop() -> (rank: UInt32, position: UInt32)? {
        guard let top = entries.first, let last = entries.popLast() else { return nil }
        if !entries.isEmpty {
            entries[0] = last
            sink()
        }
        return (UInt32(top >> 32), UInt32(truncatingIfNeeded: top))
    }

    private mutating func sink() {
        var parent = 0
        while true {
            var child = 2 * parent + 1
            if child >= entries.count { return }
            if child + 1 < entries.count && entries[child + 1] < entries[child] { child += 1 }
            if entries[parent] <= entries[child] { return }
            entries.swapAt(parent, child)
            parent = child
        }
    }
}
