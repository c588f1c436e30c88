/// What a topology, the cluster's state and the client add to the master's word. Arrays have one entry per node.
package struct DecisionRules: Equatable, Sendable {
    package enum Kind: Equatable, Sendable {
        /// Answers. `threshold`: the least share, among the nodes in play, with which it is chosen.
        case answer(threshold: Double)
        /// Refuses. `threshold`: refused from this share of the untouched distribution on.
        case refusal(threshold: Double)
    }

    package var kinds: [Kind]
    /// Where a query goes when the master is unsure; must answer.
    package var general: Int
    /// Fitted before masks and biases.
    package var temperature = 1.0
    /// Below this functional mass the master abstains.
    package var massMin = 0.0
    /// How many nodes at most: 1, or more for a cascade or a fan-out.
    package var top = 1
    /// false: down, or not allowed for this client.
    package var inPlay: [Bool]
    /// Added to logit / temperature: cost, load, health. Multiplies a node's odds by e^bias.
    package var biases: [Double]
    /// A conversation leaves its node only for one whose share is larger by more than this.
    package var stayMargin = 0.0

    package init(kinds: [Kind], general: Int) {
        precondition(kinds.indices.contains(general), "general node \(general) of \(kinds.count)")
        self.kinds = kinds
        self.general = general
        inPlay = kinds.map { _ in true }
        biases = kinds.map { _ in 0 }
    }
}
