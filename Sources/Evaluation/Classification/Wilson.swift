/// The score interval of a share (Wilson 1927): where `right` of `count` are right.
///
///     (p + z²/2n ± z √(p (1 - p) / n + z²/4n²)) / (1 + z²/n)
package enum Wilson {
    /// - Parameter z: 1.96 for 95 %.
    package static func interval(right: Int, of count: Int, z: Double = 1.959963984540054) -> Interval {
        precondition(count > 0 && (0...count).contains(right), "\(right) of \(count)")
        let n = Double(count)
        let p = Double(right) / n
        let centre = p + z * z / (2 * n)
        let reach = z * (p * (1 - p) / n + z * z / (4 * n * n)).squareRoot()
        let scale = 1 + z * z / n
        // At the ends the bounds are exact; their rounding is not.
        return Interval(
            low: right == 0 ? 0 : (centre - reach) / scale, high: right == count ? 1 : (centre + reach) / scale)
    }
}
