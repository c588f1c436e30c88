/// Finds a token by its bytes: open addressing over a `PackedStrings`, four bytes a slot.
///
/// The hash is keyed at random, so that no file can be made whose tokens all collide; what is found does not depend on it.
struct PieceTable: Sendable {
    private var slots: [Int32]
    private let mask: Int
    private let key = UInt64.random(in: 0 ... .max) | 1

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
        var slot = hash(pieces.bytes.span, piece) & mask
        while slots[slot] >= 0 {
            if Self.equal(pieces.bytes.span, pieces.range(Int(slots[slot])), pieces.bytes.span, piece) { break }
            slot = (slot + 1) & mask
        }
        slots[slot] = Int32(id)
    }

    /// The id of the piece equal to `bytes[range]`.
    func find(_ bytes: Span<UInt8>, _ range: Range<Int>, in pieces: PackedStrings) -> Int32? {
        var slot = hash(bytes, range) & mask
        while slots[slot] >= 0 {
            if Self.equal(pieces.bytes.span, pieces.range(Int(slots[slot])), bytes, range) { return slots[slot] }
            slot = (slot + 1) & mask
        }
        return nil
    }

    private func hash(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Int {
        var hash = key
        for index in range {
            hash = (hash ^ UInt64(bytes[index])) &* key
            hash ^= hash >> 29
        }
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
