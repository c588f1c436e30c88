import Kernels

/// Means of σ(u) = √(var(u) + ε) over the rows that site groups are given: what a router row made of gates is scaled by. Adds nothing.
package final class DeviationMeter: ExpertBank {
    private let groups: Set<Int>
    private let epsilon: Double
    /// By `SiteGroup.index`.
    private var sums: [Int: (total: Double, rows: Int)] = [:]

    /// - Parameters:
    ///   - groups: indices of the site groups that are measured.
    ///   - epsilon: ε, as in the scores.
    package init(groups: Set<Int>, epsilon: Float) {
        self.groups = groups
        self.epsilon = Double(epsilon)
    }

    /// By group index, so far.
    package var means: [Int: Double] { sums.mapValues { $0.total / Double($0.rows) } }

    package func serves(_ group: SiteGroup) -> Bool { groups.contains(group.index) }

    package func begin(_ group: SiteGroup, input: Columns, origins: [RowOrigin]) -> ExpertTicket {
        var sum = sums[group.index] ?? (0, 0)
        for row in origins.indices {
            sum.total += input.buffer.withRow(row) { values in
                deviation(values, input.first..<input.first + group.inputs)
            }
        }
        sum.rows += origins.count
        sums[group.index] = sum
        return ExpertTicket(number: 0)
    }

    package func collect(_ ticket: ExpertTicket, into outputs: [Columns]) throws(ExpertBankError) {}

    private func deviation(_ values: Span<Float>, _ columns: Range<Int>) -> Double {
        var (sum, squares) = (0.0, 0.0)
        for column in columns {
            sum += Double(values[column])
            squares += Double(values[column]) * Double(values[column])
        }
        let mean = sum / Double(columns.count)
        return (max(squares / Double(columns.count) - mean * mean, 0) + epsilon).squareRoot()
    }
}
