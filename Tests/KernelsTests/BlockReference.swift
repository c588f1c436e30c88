import Kernels

/// 32 weights as scale · w + minimum, w signed: decoded from GGML bytes in plain Swift, apart from the C that packs them.
struct ReferenceBlock {
    var scale: Float
    var minimum: Float?
    var w: [Int32]

    var values: [Float] { w.map { scale * Float($0) + (minimum ?? 0) } }
}

extension BlockLayout {
    /// Rows of random bytes whose scales are ordinary numbers of either sign.
    func randomRows(_ rows: Int, inputs: Int, random: inout SplitMix64) -> [UInt8] {
        var bytes = (0..<rowBytes(inputs: inputs) * rows).map { _ in UInt8.random(in: 0...255, using: &random) }
        for block in stride(from: 0, to: bytes.count, by: blockBytes) {
            for half in 0..<(minimumFollowsScale ? 2 : 1) {
                // Clear the exponent's high bits: magnitudes from 2^-14 to 2^-7, some subnormal.
                bytes[block + half * 2 + 1] &= 0b1001_1111
            }
        }
        return bytes
    }

    private var minimumFollowsScale: Bool { [.q4_1, .q5_1, .q4K, .q5K].contains(self) }

    /// One row of GGML bytes as blocks of 32.
    func decode(_ row: ArraySlice<UInt8>) -> [ReferenceBlock] {
        stride(from: row.startIndex, to: row.endIndex, by: blockBytes).flatMap { start in
            let block = Array(row[start..<start + blockBytes])
            return self == .q4K || self == .q5K ? decodeSuperBlock(block) : [decodeBlock(block)]
        }
    }

    private func decodeBlock(_ block: [UInt8]) -> ReferenceBlock {
        let scale = half(block, 0)
        switch self {
        case .q8_0: return ReferenceBlock(scale: scale, w: block[2...].map { Int32(Int8(bitPattern: $0)) })
        case .q4_0: return ReferenceBlock(scale: scale, w: nibbles(block[2...]).map { $0 - 8 })
        case .q4_1: return ReferenceBlock(scale: scale, minimum: half(block, 2), w: nibbles(block[4...]))
        case .q5_0: return ReferenceBlock(scale: scale, w: fiveBits(block[2..<6], block[6...]).map { $0 - 16 })
        default: return ReferenceBlock(scale: scale, minimum: half(block, 2), w: fiveBits(block[4..<8], block[8...]))
        }
    }

    private func decodeSuperBlock(_ block: [UInt8]) -> [ReferenceBlock] {
        let packed = block[4..<16].map { Int32($0) }
        return (0..<8).map { j in
            let scale = j < 4 ? packed[j] & 63 : (packed[j + 4] & 15) | (packed[j - 4] >> 6) << 4
            let minimum = j < 4 ? packed[j + 4] & 63 : packed[j + 4] >> 4 | (packed[j] >> 6) << 4
            let low = block.suffix(128).dropFirst(j / 2 * 32).prefix(32).map { Int32(j % 2 == 0 ? $0 & 15 : $0 >> 4) }
            let high = self == .q5K ? block[16..<48].map { Int32($0 >> UInt8(j) & 1) << 4 } : low.map { _ in 0 }
            return ReferenceBlock(
                scale: half(block, 0) * Float(scale), minimum: -(half(block, 2) * Float(minimum)),
                w: zip(low, high).map { $0 | $1 })
        }
    }

    private func half(_ bytes: [UInt8], _ offset: Int) -> Float {
        Float(Float16(bitPattern: UInt16(bytes[offset]) | UInt16(bytes[offset + 1]) << 8))
    }

    private func nibbles(_ bytes: ArraySlice<UInt8>) -> [Int32] {
        bytes.map { Int32($0 & 15) } + bytes.map { Int32($0 >> 4) }
    }

    private func fiveBits(_ high: ArraySlice<UInt8>, _ low: ArraySlice<UInt8>) -> [Int32] {
        let bits = high.reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        return nibbles(low).enumerated().map { $1 | Int32(bits >> UInt32($0) & 1) << 4 }
    }
}

/// Σ over blocks as the kernels define it, in integers and single fused multiply-adds.
func quantisedProduct(_ x: [Float], _ blocks: [ReferenceBlock]) -> Float {
    var total: Float = 0
    for (index, block) in blocks.enumerated() {
        let x = x[index * 32..<index * 32 + 32]
        let d = x.map(abs).reduce(0, max) / 127
        let inverse = d >= Float.leastNormalMagnitude ? 1 / d : 0
        let q = x.map { Int32((Double($0) * Double(inverse)).rounded(.toNearestOrEven)) }
        let effective = d >= Float.leastNormalMagnitude ? d : 0
        let sum = zip(q, block.w).reduce(Int32(0)) { $0 + $1.0 * $1.1 }
        total = total.addingProduct(block.scale * effective, Float(sum))
        if let minimum = block.minimum { total = total.addingProduct(minimum, effective * Float(q.reduce(0, +))) }
    }
    return total
}
