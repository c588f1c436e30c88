import Kernels

/// Sums what linear layers are given: for mean input activations, and for embeddings of texts. It adds nothing itself; what a bank
/// behind it adds is added.
package final class ActivationMeter: ExpertBank {
    private let groups: Set<Int>?
    private let firstPosition: Int32
    private let inner: RoutedExpertBank?
    /// By `SiteGroup.index`: Σ u, [inputs], and the rows that are in it.
    private var sums: [Int: (total: [Double], rows: Int)] = [:]

    /// - Parameters:
    ///   - groups: indices of the site groups that are measured; nil: all.
    ///   - firstPosition: earlier positions are left out.
    ///   - inner: the experts that are active meanwhile.
    package init(groups: Set<Int>? = nil, firstPosition: Int32 = 0, inner: RoutedExpertBank? = nil) {
        self.groups = groups
        self.firstPosition = firstPosition
        self.inner = inner
    }

    /// The mean of u by group index since the last call.
    package func takeMeans() -> [Int: [Float]] {
        defer { sums.removeAll() }
        return sums.mapValues { sum in sum.total.map { Float($0 / Double(sum.rows)) } }
    }

    package func admit(_ sequence: SequenceID, route: RouteRequest?) throws(RouteRefusal) {
        try inner?.admit(sequence, route: route)
    }

    package func end(_ sequence: SequenceID) { inner?.end(sequence) }
    package func prepare(_ origins: [RowOrigin]) { inner?.prepare(origins) }

    package func serves(_ group: SiteGroup) -> Bool {
        groups?.contains(group.index) ?? true || inner?.serves(group) ?? false
    }

    package func begin(_ group: SiteGroup, input: Columns, origins: [RowOrigin]) -> ExpertTicket {
        if groups?.contains(group.index) ?? true { add(group, input, origins) }
        guard let inner, inner.serves(group) else { return ExpertTicket(number: 0) }
        return inner.begin(group, input: input, origins: origins)
    }

    package func collect(_ ticket: ExpertTicket, into outputs: [Columns]) throws(ExpertBankError) {
        try inner?.collect(ticket, into: outputs)
    }

    private func add(_ group: SiteGroup, _ input: Columns, _ origins: [RowOrigin]) {
        var sum = sums[group.index] ?? ([Double](repeating: 0, count: group.inputs), 0)
        sums[group.index] = nil
        for (row, origin) in origins.enumerated() where origin.position >= firstPosition {
            input.buffer.withRow(row) { values in
                for index in 0..<group.inputs { sum.total[index] += Double(values[input.first + index]) }
            }
            sum.rows += 1
        }
        if sum.rows > 0 { sums[group.index] = sum }
    }
}
