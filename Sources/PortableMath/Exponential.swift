extension Elementary {
    /// e^x in single precision for x ≤ 0; 0 below -87. Within 2 units in the last place; e^0 is 1 exactly.
    ///
    /// x = k ln 2 + r with |r| ≤ ln 2 / 2, then the polynomial of Cephes' expf in r. A loop over it vectorises: the guard is a
    /// selection and nothing is called.
    @inlinable @inline(__always)
    package static func exponential(_ x: Float) -> Float {
        // Adding and removing 1.5 * 2^23 rounds to the nearest integer.
        let bounded = x > -87 ? x : -87
        let shifted = bounded * 1.442695041 + 0x1.8p23
        let k = shifted - 0x1.8p23
        let r = (bounded - k * 0.693359375) - k * -2.12194440e-4
        var sum = r * Float(1.9875691500e-4) + 1.3981999507e-3
        sum = sum * r + 8.3334519073e-3
        sum = sum * r + 4.1665795894e-2
        sum = sum * r + 1.6666665459e-1
        sum = sum * r + 5.0000001201e-1
        sum = (sum * (r * r) + r) + 1
        let scale = Float(bitPattern: (shifted.bitPattern &+ 127) << 23)
        return x >= -87 ? sum * scale : 0
    }
}
