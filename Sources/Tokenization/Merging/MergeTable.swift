/// The rank and the result of merging two neighbouring tokens: open addressing, 12 bytes a merge and 4 a slot.
///
/// The hash is keyed at random, so that no file can be made whose merges all collide; what is found does not depend on it.
struct MergeTable: Sendable {
    struct Merge: Sendable {
        var left: Int32
        var right: Int32
        var result: Int32
    }

    /// No merge.
    static let none: UInt32 = .max

    /// In order of rank.
    private var merges: [Merge] = []
    private var slots: [Int32]
    private let shift: UInt64
    private let key = UInt64.random(in: 0 ... .max) | 1

    /// - Parameter capacity: how many merges will be inserted at most; the table stays at most half full.
    init(capacity: Int) {
        var bits: UInt64 = 4
        while 1 << bits < capacity * 2 { bits += 1 }
        slots = [Int32](repeating: -1, count: 1 << bits)
        shift = 64 - bits
        merges.reserveCapacity(capacity)
    }

    /// Appends the merge with the next rank. Of two equal pairs the later wins, as in the `tokenizers` library.
    mutating func append(_ merge: Merge) {
        var slot = home(merge.left, merge.right)
        while slots[slot] >= 0 {
            let other = merges[Int(slots[slot])]
            if other.left == merge.left && other.right == merge.right { break }
            slot = (slot + 1) & (slots.count - 1)
        }
        slots[slot] = Int32(merges.count)
        merges.append(merge)
    }

    /// The rank of `left right`, or `none`.
    @inline(__always)
    func rank(_ left: Int32, _ right: Int32) -> UInt32 {
        var slot = home(left, right)
        while slots[slot] >= 0 {
            let merge = merges[Int(slots[slot])]
            if merge.left == left && merge.right == right { return UInt32(slots[slot]) }
            slot = (slot + 1) & (slots.count - 1)
        }
        return Self.none
    }

    @inline(__always)
    func result(ofRank rank: UInt32) -> Int32 { merges[Int(rank)].result }

    @inline(__always)
    private func home(_ left: Int32, _ right: Int32) -> Int {
        let pair = UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
        let mixed = (pair ^ (pair >> 29)) &* key
        return Int(truncatingIfNeeded: mixed >> shift)
    }
}
