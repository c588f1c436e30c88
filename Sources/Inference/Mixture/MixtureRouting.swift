import Gating

/// Which rows of a batch go to which experts of one layer: items (expert, row), in ascending order.
///
/// Reused from layer to layer, so that a step allocates little.
package struct MixtureRouting: Sendable {
    /// The items of one expert are first ..< first + count.
    package struct Group: Sendable, Equatable {
        package let expert: Int
        package let first: Int
        package let count: Int
    }

    /// The transformer layer, from 0.
    package private(set) var layer = 0
    /// Rows of the batch.
    package private(set) var batchRows = 0
    /// Ascending by expert; none is empty.
    package private(set) var groups: [Group] = []
    /// By item: the batch row, ascending in a group.
    package private(set) var rows: [Int32] = []
    /// By item: w_e.
    package private(set) var weights: [Float] = []
    private var counts: [Int] = []

    package init() {}

    /// choices: one for each row of the batch; of experts below `experts`.
    package mutating func fill(layer: Int, _ choices: [LayerChoice], experts: Int) {
        self.layer = layer
        batchRows = choices.count
        counts.removeAll(keepingCapacity: true)
        counts += repeatElement(0, count: experts)
        for choice in choices { for expert in choice.experts { counts[Int(expert)] += 1 } }
        layOut()
        for (row, choice) in choices.enumerated() {
            for rank in choice.experts.indices {
                let expert = Int(choice.experts[rank])
                rows[counts[expert]] = Int32(row)
                weights[counts[expert]] = choice.weights[rank]
                counts[expert] += 1
            }
        }
    }

    /// Makes groups of the counts, which become the places of each expert's next item.
    private mutating func layOut() {
        groups.removeAll(keepingCapacity: true)
        rows.removeAll(keepingCapacity: true)
        weights.removeAll(keepingCapacity: true)
        var first = 0
        for expert in counts.indices {
            let count = counts[expert]
            if count > 0 { groups.append(Group(expert: expert, first: first, count: count)) }
            counts[expert] = first
            first += count
        }
        rows += repeatElement(0, count: first)
        weights += repeatElement(0, count: first)
    }
}
