/// What rows have chosen, summed by site and expert. Two distributions, never mixed: `kept` sums the weights after top-k, null and
/// common included; `full` sums the softmax over all experts and the null before any top-k, over `fullRows` of the rows.
package struct RoutingStatistics: Sendable, Equatable {
    package struct Site: Sendable, Equatable {
        /// Index of the site group, and of the linear in it.
        package let group: Int
        package let linear: Int
        /// Rows that scores decided for.
        package var rows = 0
        /// By expert id: Σ kept weights.
        package var kept: [Double]
        package var keptNull = 0.0
        package var keptCommon = 0.0
        /// Rows that chose nothing at all.
        package var emptyRows = 0
        /// Rows whose full softmax was computed: all of them with few experts, a fixed share of positions with many.
        package var fullRows = 0
        /// By expert id: Σ softmax.
        package var full: [Double]
        package var fullNull = 0.0
        /// Σ of the full softmax's entropy, nats.
        package var entropy = 0.0
        /// By expert id: rows that kept it, and rows in which it weighed most (of equals the lowest id).
        package let chosen: [Int]
        package let heaviest: [Int]
        /// Full rows by entropy, in `entropyBins` equal parts of 0 ... ln(N + 1).
        package let entropies: [Int]
    }

    package static let entropyBins = 16

    /// By expert id.
    package let experts: [String]
    /// Of the set, in hexadecimal digits.
    package let version: String
    /// Those that were met, ascending by (group, linear).
    package let sites: [Site]
}
