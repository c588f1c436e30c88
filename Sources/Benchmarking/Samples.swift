/// Repeated measurements of one thing, in the order taken; at least one.
package struct Samples: Equatable, Sendable {
    package let values: [Double]
    private let sorted: [Double]

    package init(_ values: [Double]) {
        precondition(!values.isEmpty, "no measurement has no median")
        precondition(values.allSatisfy(\.isFinite), "measurements are numbers: \(values)")
        self.values = values
        sorted = values.sorted()
    }

    package var median: Double { quantile(0.5) }
    package var min: Double { sorted[0] }
    package var max: Double { sorted[sorted.count - 1] }

    /// The value below which the share `q`, 0 ... 1, of the measurements lies; between two of them by linear interpolation
    /// (type 7 of Hyndman and Fan 1996, the default of R and NumPy).
    package func quantile(_ q: Double) -> Double {
        precondition((0...1).contains(q), "quantile \(q)")
        let position = q * Double(sorted.count - 1)
        let below = Int(position)
        let above = Swift.min(below + 1, sorted.count - 1)
        return sorted[below] + (position - Double(below)) * (sorted[above] - sorted[below])
    }
}

/// Measurements of two contestants, taken one right after the other, so that whatever slows the machine down for a while
/// meets both.
package struct Pairs: Equatable, Sendable {
    package let ours: Samples
    package let theirs: Samples

    package init(ours: [Double], theirs: [Double]) {
        precondition(ours.count == theirs.count, "\(ours.count) of ours and \(theirs.count) of theirs are no pairs")
        self.ours = Samples(ours)
        self.theirs = Samples(theirs)
    }

    /// Ours over theirs, pair by pair. Its median says more than the quotient of the two medians: those may come from
    /// different moments.
    package var ratios: Samples {
        precondition(!theirs.values.contains(0), "a ratio to nothing: \(theirs.values)")
        return Samples(zip(ours.values, theirs.values).map { $0 / $1 })
    }

    /// Ours less theirs, pair by pair.
    package var differences: Samples { Samples(zip(ours.values, theirs.values).map { $0 - $1 }) }
}
