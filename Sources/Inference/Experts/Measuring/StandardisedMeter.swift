import Kernels

/// Means of ū = (u - mean(u)) / √(var(u) + ε) over the rows that linear layers are given: what gates without training are made of. Adds
/// nothing.
///
/// The first position is left out: its input is the same for every text, and by far the largest.
package final class StandardisedMeter: ExpertBank {
    private let epsilon: Double
    /// By `SiteGroup.index`: Σ ū, [inputs], and the rows that are in it.
    private var sums: [Int: (total: [Double], rows: Int)] = [:]

    /// - Parameter epsilon: ε, as in the scores.
    package init(epsilon: Float) { self.epsilon = Double(epsilon) }

    /// By group index, so far.
    package var means: [Int: [Double]] {
        sums.mapValues { sum in sum.total.map { $0 / Double(max(sum.rows, 1)) } }
    }

    package func serves(_ group: SiteGroup) -> Bool { true }

    package func begin(_ group: SiteGroup, input: Columns, origins: [RowOrigin]) -> ExpertTicket {
        var sum = sums[group.index] ?? ([Double](repeating: 0, count: group.inputs), 0)
        sums[group.index] = nil
        for (row, origin) in origins.enumerated() where origin.position > 0 {
            input.buffer.withRow(row) { add($0, input.first..<input.first + group.inputs, to: &sum.total) }
            sum.rows += 1
        }
        sums[group.index] = sum
        return ExpertTicket(number: 0)
    }

    package func collect(_ ticket: ExpertTicket, into outputs: [Columns]) throws(ExpertBankError) {}

    private func add(_ values: Span<Float>, _ columns: Range<Int>, to total: inout [Double]) {
        var (sum, squares) = (0.0, 0.0)
        for column in columns {
            sum += Double(values[column])
            squares += Double(values[column]) * Double(values[column])
        }
        let mean = sum / Double(columns.count)
        let scale = 1 / (max(squares / Double(columns.count) - mean * mean, 0) + epsilon).squareRoot()
        for (index, column) in columns.enumerated() { total[index] += (Double(values[column]) - mean) * scale }
    }
}
