/// exp, log, sin and cos from additions, multiplications and divisions alone.
///
/// The C library picks its version by CPU features, and versions with fused multiply-add differ in the last bit; a draw or
/// a rotation must not depend on the machine (P1). All are within a few units in the last place over the ranges that are used here.
package enum Elementary {
    /// e^x for x ≤ 0; 0 below -700. x = k ln 2 + r, |r| ≤ ln 2 / 2, then the Taylor series of e^r to r^13.
    @inlinable @inline(__always)
    package static func exponential(_ x: Double) -> Double {
        guard x > -700 else { return 0 }
        // Adding and removing 1.5 * 2^52 rounds to the nearest integer.
        let shifted = x * 1.4426950408889634 + 0x1.8p52
        let k = shifted - 0x1.8p52
        let r = (x - k * 0x1.62e42feep-1) - k * 0x1.a39ef35793c76p-33
        var sum = 1.0 / 6_227_020_800
        sum = sum * r + 1.0 / 479_001_600
        sum = sum * r + 1.0 / 39_916_800
        sum = sum * r + 1.0 / 3_628_800
        sum = sum * r + 1.0 / 362_880
        sum = sum * r + 1.0 / 40_320
        sum = sum * r + 1.0 / 5_040
        sum = sum * r + 1.0 / 720
        sum = sum * r + 1.0 / 120
        sum = sum * r + 1.0 / 24
        sum = sum * r + 1.0 / 6
        sum = sum * r + 0.5
        sum = sum * r + 1
        sum = sum * r + 1
        let scale = Double(bitPattern: (shifted.bitPattern &+ 1023) << 52)
        return sum * scale
    }

    /// ln x for finite normal x > 0. x = 2^e m with m near 1, then ln m = 2 artanh s, s = (m - 1) / (m + 1).
    package static func logarithm(_ x: Double) -> Double {
        var m = x.significand
        var e = Double(x.exponent)
        if m > 1.4142135623730951 {
            m *= 0.5
            e += 1
        }
        let s = (m - 1) / (m + 1)
        let square = s * s
        var sum = 0.0
        var divisor = 25.0
        while divisor > 1 {
            sum = (sum + 1 / divisor) * square
            divisor -= 2
        }
        return e * 0.6931471805599453 + 2 * (s + s * sum)
    }

    /// (sin x, cos x) for 0 ≤ x < 2^30. x = k π/2 + r, |r| ≤ π/4, π/2 in three parts so that k times each of the first two is exact;
    /// then the Taylor series.
    package static func sineCosine(_ x: Double) -> (sine: Double, cosine: Double) {
        let shifted = x * 0.6366197723675814 + 0x1.8p52
        let k = shifted - 0x1.8p52
        let r = ((x - k * 0x1.921fb4p0) - k * 0x1.4442d0p-24) - k * 0x1.8469898cc5170p-48
        let square = r * r
        var sine = 0.0
        var cosine = 0.0
        var n = 18.0
        while n > 0 {
            cosine = (1 - cosine) * square / (n * (n - 1))
            sine = (1 - sine) * square / (n * (n + 1))
            n -= 2
        }
        (sine, cosine) = (r * (1 - sine), 1 - cosine)
        switch shifted.bitPattern & 3 {
        case 0: return (sine, cosine)
        case 1: return (cosine, -sine)
        case 2: return (-sine, -cosine)
        default: return (-cosine, sine)
        }
    }
}
