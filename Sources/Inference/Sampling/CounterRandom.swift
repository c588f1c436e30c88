/// Philox4x32-10: a random function of (key, counter) without state, so that whoever continues a sequence at some position
/// draws what the first attempt would have drawn there.
/// Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
package enum CounterRandom {
    /// Ten rounds over a 128-bit counter under a 64-bit key.
    package static func philox(counter: SIMD4<UInt32>, key: SIMD2<UInt32>) -> SIMD4<UInt32> {
        var state = counter
        var roundKey = key
        for _ in 0..<10 {
            let first = UInt64(0xD251_1F53) * UInt64(state[0])
            let second = UInt64(0xCD9E_8D57) * UInt64(state[2])
            state = SIMD4(
                UInt32(truncatingIfNeeded: second >> 32) ^ state[1] ^ roundKey[0],
                UInt32(truncatingIfNeeded: second),
                UInt32(truncatingIfNeeded: first >> 32) ^ state[3] ^ roundKey[1],
                UInt32(truncatingIfNeeded: first))
            roundKey &+= SIMD2(0x9E37_79B9, 0xBB67_AE85)
        }
        return state
    }

    /// Uniform in [0, 1), a multiple of 2^-53. `position` is the absolute position of the token that is drawn.
    package static func uniform(seed: UInt64, position: Int) -> Double {
        let at = UInt64(truncatingIfNeeded: position)
        let bits = philox(
            counter: SIMD4(UInt32(truncatingIfNeeded: at), UInt32(truncatingIfNeeded: at >> 32), 0, 0),
            key: SIMD2(UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32)))
        let word = UInt64(bits[0]) | UInt64(bits[1]) << 32
        return Double(word >> 11) * 0x1p-53
    }
}
