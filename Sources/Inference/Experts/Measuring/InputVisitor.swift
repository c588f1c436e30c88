import Kernels

/// Shows every row that some site groups are given to a visitor. It adds nothing itself; what a bank behind it adds is added.
package final class InputVisitor: ExpertBank {
    /// Called with a row of u, [inputs], before the linears compute.
    package typealias Visit = (_ group: Int, RowOrigin, Span<Float>) -> Void

    private let groups: Set<Int>
    private let inner: RoutedExpertBank?
    private let visit: Visit

    /// - Parameters:
    ///   - groups: indices of the site groups whose rows are shown.
    ///   - inner: the experts that are active meanwhile.
    package init(groups: Set<Int>, inner: RoutedExpertBank? = nil, visit: @escaping Visit) {
        self.groups = groups
        self.inner = inner
        self.visit = visit
    }

    package func admit(_ sequence: SequenceID, route: RouteRequest?) throws(RouteRefusal) {
        try inner?.admit(sequence, route: route)
    }

    package func end(_ sequence: SequenceID) { inner?.end(sequence) }
    package func prepare(_ origins: [RowOrigin]) { inner?.prepare(origins) }

    package func serves(_ group: SiteGroup) -> Bool { groups.contains(group.index) || inner?.serves(group) ?? false }

    package func begin(_ group: SiteGroup, input: Columns, origins: [RowOrigin]) -> ExpertTicket {
        if groups.contains(group.index) {
            for (row, origin) in origins.enumerated() {
                input.buffer.withRow(row) { values in
                    visit(group.index, origin, values.extracting(input.first..<input.first + group.inputs))
                }
            }
        }
        guard let inner, inner.serves(group) else { return ExpertTicket(number: 0) }
        return inner.begin(group, input: input, origins: origins)
    }

    package func collect(_ ticket: ExpertTicket, into outputs: [Columns]) throws(ExpertBankError) {
        try inner?.collect(ticket, into: outputs)
    }
}
