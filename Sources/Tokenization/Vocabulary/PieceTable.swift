/// Finds a token by its bytes: open addressing over a `PackedStrings`, four bytes a slot.
struct PieceTable: Sendable {
    private var slots: [Int32]
    private let mask: Int

    /// - Parameter capacity: how many pieces will be inserted at most; the table stays at most half full.
    init(capacity: Int) {
        var size = 16
        while size < capacity * 2 { size *= 2 }
        slots = [Int32](repeating: -1, count: size)
        mask = size - 1
    }

    /// Inserts piece `id` of `pieces`. Of two equal pieces the later wins, as in a dictionary read from JSON.
    mutating func insert(_ id: Int, of pieces: PackedStrings) {
        let piece = pieces.range(id)
        var slot = Self.hash(pieces.bytes.span, piece) & mask
        while slots[slot] >= 0 {
            if Self.equal(pieces.bytes.span, pieces.range(Int(slots[slot])), pieces.bytes.span, piece) { break }
            slot = (slot + 1) & mask
        }
        slots[slot] = Int32(id)
    }

    /// The id of the piece equal to `bytes[range]`.
    func find(_ bytes: Span<UInt8>, _ range: Range<Int>, in pieces: PackedStrings) -> Int32? {
        var slot = Self.hash(bytes, range) & mask
        while slots[slot] >= 0 {
            if Self.equal(pieces.bytes.span, pieces.range(Int(slots[slot])), bytes, range) { return slots[slot] }
            slot = (slot + 1) & mask
        }
        return nil
    }

    /// FNV-1a with a final mix, so that the low bits depend on every byte.
    private static func hash(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Int {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for index in range { hash = (hash ^ UInt64(bytes[index])) &* 0x100_0000_01B3 }
        hash ^= hash >> 32
        return Int(truncatingIfNeeded: hash)
    }

    private static func equal(_ a: Span<UInt8>, _ aRange: Range<Int>, _ b: Span<UInt8>, _ bRange: Range<Int>) -> Bool {
        guard aRange.count == bRange.count else { return false }
        for offset in 0..<aRange.count where a[aRange.lowerBound + offset] != b[bRange.lowerBound + offset] {
            return false
        }
        return true
    }
}
