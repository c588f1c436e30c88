extension Bootstrap {
    /// The percentile interval of any statistic of a list of units.
    package func interval<Unit>(of units: [Unit], _ statistic: ([Unit]) -> Double) -> Interval {
        precondition(!units.isEmpty)
        var generator = SplitMix64(seed: seed)
        let values = (0..<draws).map { _ in
            statistic(units.indices.map { _ in units[Int(generator.next(below: UInt64(units.count)))] })
        }.sorted()
        return Interval(
            low: Quantile.of(sorted: values, (1 - confidence) / 2),
            high: Quantile.of(sorted: values, (1 + confidence) / 2))
    }
}
