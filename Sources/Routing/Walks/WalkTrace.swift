/// What became of a master's rewrite.
package struct RewriteNote: Hashable, Sendable {
    /// As the master worded it.
    package var text: String
    /// What it lost of the original; where anything, the original is what the node gets.
    package var lost: [String]
    package var originalKept: Bool

    package init(text: String, lost: [String], originalKept: Bool) {
        self.text = text
        self.lost = lost
        self.originalKept = originalKept
    }
}

/// How a query found the node that answered it. Each visit of a node is one step.
package struct WalkTrace: Hashable, Sendable {
    package enum Because: String, Hashable, Sendable {
        case asked, chosen, abstained, underThresholds, stayed, masterDown, fallback, escalated, handed
    }

    package struct Share: Hashable, Sendable {
        package var node: String
        package var untouched: Double
        package var share: Double
        package var inPlay: Bool
    }

    package struct Step: Hashable, Sendable {
        package var node: String
        package var because: Because
        package var outcome: String
        package var microseconds: UInt64
        package var confidence: Double?
        /// From 1: which of the nodes that were asked at once the visit belongs to. 0: none of such.
        package var branch = 0
    }

    package var node = ""
    package var shares: [Share] = []
    package var mass = 0.0
    package var rewrite: RewriteNote?
    package var steps: [Step] = []

    package init() {}

    /// What it costs to keep this, roughly.
    var byteCount: Int { 64 * (shares.count + steps.count) + (rewrite?.text.utf8.count ?? 0) }
}
