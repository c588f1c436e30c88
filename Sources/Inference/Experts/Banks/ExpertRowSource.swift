import Kernels

/// Where the rows s · B (A u) of chosen experts come from: this process, or workers.
///
/// A `RoutedExpertBank` decides which rows it wants, asks its source for them, and weights and adds them itself, in ascending expert id; a
/// source elsewhere never sees a weight and never sums. Whatever the source, a row has the same bits (P1): `LocalExpertRows` has the order.
/// Everything happens on the engine's thread.
package protocol ExpertRowSource: AnyObject {
    /// Whether `begin` may set off work elsewhere for experts of `set`, so that it should come before the trunk's own product and have
    /// all rows of the batch at once. Without, a bank asks after the product. Changes between two steps only.
    func worksElsewhere(for set: ExpertSet) -> Bool

    /// Starts on `routing`'s pairs, over rows of `input`, [rows, group.inputs], which stay as they are until `collect`.
    func begin(_ routing: GroupRouting, input: Columns)

    /// Fills `results` with one row for each item of `routing`, the one of the last `begin`. Returns the pairs that it has no rows for
    /// (ascending; empty but for lost workers); what their part of `results` holds does not matter.
    func collect(_ routing: GroupRouting, into results: ExpertRows) -> [MissingPair]

    /// Instead of `begin` and `collect`: adds weight · row for every item to `outputs`, [rows, outputs] by linear, as the bank would. False,
    /// and nothing is done, where that is not possible or gains nothing.
    func add(_ routing: GroupRouting, input: Columns, rows: Int, to outputs: [Columns]) -> Bool
}

extension ExpertRowSource {
    package func add(_ routing: GroupRouting, input: Columns, rows: Int, to outputs: [Columns]) -> Bool { false }
}

/// A pair of a routing that nobody answered for.
package struct MissingPair: Sendable, Equatable {
    /// Index into `GroupRouting.pairs`.
    package let pair: Int
    /// Which expert, where it was, why, and what to do.
    package let message: String

    package init(pair: Int, message: String) {
        self.pair = pair
        self.message = message
    }
}
