/// Tokens of words seen lately: direct-mapped, fixed in size, one cache line a slot (8,192 slots: 512 KiB).
///
/// Only words of at most 24 bytes and 8 tokens are kept; a new word takes the slot of an old one.
struct WordCache: Sendable {
    static let wordBytesMax = 24
    static let tokensMax = 8
    private static let slotBits: UInt64 = 13

    /// The word's bytes in three lanes, then its length and its count of tokens.
    typealias Key = SIMD4<UInt64>

    private struct Slot {
        var key = Key()
        var ids = SIMD8<Int32>()
    }

    private var slots: [Slot]

    init() {
        slots = [Slot](repeating: Slot(), count: 1 << Self.slotBits)
    }

    /// The key of a word that may be kept.
    @inline(__always)
    static func key(_ text: Span<UInt8>, _ range: Range<Int>) -> Key? {
        guard range.count <= wordBytesMax else { return nil }
        var key = Key()
        var lane = 0
        var index = range.lowerBound
        while index < range.upperBound {
            var word: UInt64 = 0
            let end = min(index + 8, range.upperBound)
            while index < end {
                word = word << 8 | UInt64(text[index])
                index += 1
            }
            key[lane] = word
            lane += 1
        }
        key[3] = UInt64(range.count)
        return key
    }

    /// Appends the word's tokens to `ids`; false when the cache does not hold it.
    @inline(__always)
    func append(_ key: Key, to ids: inout [Int32]) -> Bool {
        let slot = slots[Self.slot(of: key)]
        var held = slot.key
        let count = Int(held[3] >> 32)
        held[3] &= 0xFFFF_FFFF
        guard held == key else { return false }
        for index in 0..<count { ids.append(slot.ids[index]) }
        return true
    }

    mutating func insert(_ key: Key, _ tokens: ArraySlice<Int32>) {
        guard tokens.count <= Self.tokensMax else { return }
        var slot = Slot(key: key)
        slot.key[3] |= UInt64(tokens.count) << 32
        for (lane, token) in tokens.enumerated() { slot.ids[lane] = token }
        slots[Self.slot(of: key)] = slot
    }

    @inline(__always)
    private static func slot(of key: Key) -> Int {
        var hash = key[0] &* 0x9E37_79B9_7F4A_7C15
        hash = (hash ^ (hash >> 32) ^ key[1]) &* 0xBF58_476D_1CE4_E5B9
        hash = (hash ^ (hash >> 32) ^ key[2] ^ key[3]) &* 0x94D0_49BB_1331_11EB
        return Int(truncatingIfNeeded: hash >> (64 - slotBits))
    }
}
