import Inference
import Testing

@Suite("Counter-based randomness")
struct CounterRandomTests {
    /// Known answers of the authors' distribution (Random123, kat_vectors, "philox4x32 10").
    @Test func matchesTheAuthorsKnownAnswers() {
        #expect(
            CounterRandom.philox(counter: .zero, key: .zero)
                == SIMD4(0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8))
        #expect(
            CounterRandom.philox(counter: SIMD4(repeating: .max), key: SIMD2(repeating: .max))
                == SIMD4(0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd))
        #expect(
            CounterRandom.philox(
                counter: SIMD4(0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344), key: SIMD2(0xa409_3822, 0x299f_31d0)
            )
                == SIMD4(0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1))
    }

    @Test func drawsAreUniform() {
        var buckets = [Int](repeating: 0, count: 16)
        for position in 0..<16_000 { buckets[Int(CounterRandom.uniform(seed: 7, position: position) * 16)] += 1 }
        // Chi-squared with 15 degrees of freedom: 37.7 is its 99.9th percentile.
        let chiSquared = buckets.reduce(0.0) { $0 + (Double($1) - 1000) * (Double($1) - 1000) / 1000 }
        #expect(chiSquared < 37.7)
    }

    @Test func seedAndPositionBothMatter() {
        let all = Set((0..<100).flatMap { s in (0..<100).map { CounterRandom.uniform(seed: s, position: $0) } })
        #expect(all.count == 10_000)
    }
}
