/// Between these two a share of the resampled values lies.
package struct Interval: Sendable, Equatable, Encodable {
    package let low: Double
    package let high: Double

    package init(low: Double, high: Double) {
        self.low = low
        self.high = high
    }
}

/// Percentile bootstrap (Efron 1979) of a ratio of sums, Σ numerator / Σ denominator: units are drawn with replacement, as many as
/// there are, `draws` times. The same seed gives the same interval.
package struct Bootstrap: Sendable, Equatable {
    package let draws: Int
    /// Such as 0.95.
    package let confidence: Double
    package let seed: UInt64

    package init(draws: Int = 2000, confidence: Double = 0.95, seed: UInt64 = 1) {
        precondition(draws > 0 && confidence > 0 && confidence < 1)
        self.draws = draws
        self.confidence = confidence
        self.seed = seed
    }

    /// With one unit, the interval is that unit's own value.
    package func interval(numerators: [Double], denominators: [Double]) -> Interval {
        precondition(numerators.count == denominators.count && !numerators.isEmpty)
        var generator = SplitMix64(seed: seed)
        let count = UInt64(numerators.count)
        let ratios = (0..<draws).map { _ in
            var (top, bottom) = (0.0, 0.0)
            for _ in numerators.indices {
                let unit = Int(generator.next(below: count))
                top += numerators[unit]
                bottom += denominators[unit]
            }
            return bottom > 0 ? top / bottom : 0
        }.sorted()
        return Interval(
            low: Quantile.of(sorted: ratios, (1 - confidence) / 2),
            high: Quantile.of(sorted: ratios, (1 + confidence) / 2))
    }
}

/// The quantile as numpy's default takes it: linear between the two nearest ranks.
package enum Quantile {
    /// - Parameter share: in 0...1.
    package static func of(sorted values: [Double], _ share: Double) -> Double {
        precondition(!values.isEmpty && (0...1).contains(share))
        let place = share * Double(values.count - 1)
        let below = Int(place)
        guard below + 1 < values.count else { return values[values.count - 1] }
        return values[below] + (place - Double(below)) * (values[below + 1] - values[below])
    }
}

/// Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (2014).
struct SplitMix64 {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var bits = state
        bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        return bits ^ (bits >> 31)
    }

    /// The high half of a product (Lemire 2019); its bias, below count / 2^64, is far under what `draws` can show.
    mutating func next(below count: UInt64) -> UInt64 { next().multipliedFullWidth(by: count).high }
}
