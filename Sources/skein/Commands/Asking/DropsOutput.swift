import Messaging

/// What a capacity dropped of a query's own prompt at one mixture layer (P3).
struct DropsJSON: Encodable {
    let layer: UInt32
    /// Of the prompt's tokens, kept or not.
    let choices: UInt64
    let droppedByRank: [UInt64]
    /// By eighth of the prompt.
    let droppedByPosition: [UInt64]

    init(_ drops: LayerDrops) {
        layer = drops.layer
        choices = drops.choices
        droppedByRank = drops.byRank
        droppedByPosition = drops.byPosition
    }
}

/// The same in one line.
enum DropsText {
    static func of(_ answer: Answer) -> String? {
        guard let drops = answer.final?.drops, !drops.isEmpty else { return nil }
        let choices = drops.reduce(0) { $0 + $1.choices }
        let dropped = drops.reduce(0) { $0 + $1.byRank.reduce(0, +) }
        return
            "the capacity dropped \(dropped) of the prompt's \(choices) choices of experts (--json has them by layer)"
    }
}
