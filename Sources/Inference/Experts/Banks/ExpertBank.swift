import Kernels

/// Which token a row of a batch belongs to.
package struct RowOrigin: Sendable, Equatable {
    package let sequence: SequenceID
    /// Absolute.
    package let position: Int32

    package init(sequence: SequenceID, position: Int32) {
        self.sequence = sequence
        self.position = position
    }
}

/// Experts that add to the trunk's linear layers: y = W x + b + Σ_e w_e(x) E_e(x), in ascending expert id.
///
/// The trunk calls `begin`, computes its own product, then calls `collect`, so that experts elsewhere work meanwhile. Local and
/// remote banks are interchangeable and must give the same bits (P1): gates see the f32 input, and what a row gets
/// depends on that row alone. Everything happens on the engine's thread. A bank computes on a context of its own.
package protocol ExpertBank: AnyObject {
    /// A sequence joins, with the route that its request asks for; from now on its rows may come. Throws when the bank cannot serve the
    /// route; then nothing is kept. The sequence goes on with the set of experts of this moment until `end`.
    func admit(_ sequence: SequenceID, route: RouteRequest?) throws(RouteRefusal)

    /// The sequence has no more rows.
    func end(_ sequence: SequenceID)

    /// The rows of the `begin`s that follow, until the next call.
    func prepare(_ origins: [RowOrigin])

    /// The same within a step, of which some rows go on.
    func narrow(_ origins: [RowOrigin])

    /// Whether the bank adds anything at some site of the group. Asked once, when it is attached; where it says no the group costs
    /// nothing.
    func serves(_ group: SiteGroup) -> Bool

    /// Starts on rows 0 ..< origins.count of `input`, [rows, group.inputs], which stay as they are until `collect`. The ticket's gates
    /// are the caller's to multiply by before that.
    func begin(_ group: SiteGroup, input: Columns, origins: [RowOrigin]) -> ExpertTicket

    /// Adds the experts' part to `outputs`, one [rows, outputs] for each linear of the group in its order, which hold the
    /// trunk's part. Throws for rows whose experts gave no answer; the other rows are complete.
    func collect(_ ticket: ExpertTicket, into outputs: [Columns]) throws(ExpertBankError)
}

extension ExpertBank {
    package func admit(_ sequence: SequenceID, route: RouteRequest?) throws(RouteRefusal) {}
    package func end(_ sequence: SequenceID) {}
    package func prepare(_ origins: [RowOrigin]) {}
    package func narrow(_ origins: [RowOrigin]) { prepare(origins) }
}

/// Why a bank cannot serve a route: what is wrong, and what to do.
package struct RouteRefusal: Error, Sendable, Equatable, CustomStringConvertible {
    package let message: String

    package init(_ message: String) { self.message = message }
    package var description: String { message }
}

/// Names work begun; a bank chooses the numbers.
package struct ExpertTicket {
    package let number: UInt64
    /// What is multiplied along with the trunk's own product of the same rows, in one dispatch: `collect` decides by it. Empty where the
    /// bank had to know at once, because experts elsewhere work meanwhile.
    package let gates: [GateProduct]

    package init(number: UInt64, gates: [GateProduct] = []) {
        self.number = number
        self.gates = gates
    }
}

/// Rows without an answer. Their sequences fail; those of other rows go on.
package struct ExpertBankError: Error, Sendable, Equatable {
    /// Sequences that cannot go on.
    package let sequences: Set<SequenceID>
    /// Which expert at which site, why, and what to do.
    package let message: String

    package init(sequences: Set<SequenceID>, message: String) {
        self.sequences = sequences
        self.message = message
    }
}
