/// Envelope.version (field 1, varint), found without decoding the rest: another version may lay everything else out
/// differently, and deserves to hear that its version is the reason. Absent is version 0.
func peekVersion(_ bytes: [UInt8]) throws(WireError) -> UInt32 {
    var reader = TagReader(bytes: bytes)
    while !reader.isAtEnd {
        let tag = try reader.varint()
        switch (tag >> 3, tag & 7) {
        case (1, 0): return UInt32(truncatingIfNeeded: try reader.varint())
        case (_, 0): _ = try reader.varint()
        case (_, 1): try reader.skip(8)
        case (_, 2): try reader.skip(reader.varint())
        case (_, 5): try reader.skip(4)
        default: throw .malformed("frame 0 is not an Envelope")
        }
    }
    return 0
}

/// The outer shape of protobuf's encoding.
private struct TagReader {
    let bytes: [UInt8]
    private var offset = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { offset >= bytes.count }

    mutating func varint() throws(WireError) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            guard !isAtEnd else { break }
            let byte = bytes[offset]
            offset += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        throw .malformed("frame 0 is not an Envelope")
    }

    mutating func skip(_ count: UInt64) throws(WireError) {
        guard count <= UInt64(bytes.count - offset) else { throw .malformed("frame 0 is not an Envelope") }
        offset += Int(count)
    }
}
