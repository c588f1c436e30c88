/// One prefill of a master, reduced to its functional tokens.
package struct Reading: Sendable, Equatable {
    /// By functional token.
    package var logits: [Float]
    /// The share of the whole vocabulary's probability that they hold.
    package var mass: Double

    package init(logits: [Float] = [], mass: Double = 0) {
        self.logits = logits
        self.mass = mass
    }
}

/// What a master said of one node, and what the router made of it.
package struct NodeShare: Sendable, Equatable {
    package var node: String
    /// Softmax over all functional tokens at the fitted temperature, before anything else.
    package var untouched: Float
    /// After masks and biases, among the answering nodes in play.
    package var share: Float
    /// Up, and allowed for this client.
    package var inPlay: Bool

    package init(node: String = "", untouched: Float = 0, share: Float = 0, inPlay: Bool = false) {
        self.node = node
        self.untouched = untouched
        self.share = share
        self.inPlay = inPlay
    }
}

package struct WalkStep: Sendable, Equatable {
    package var node: String
    /// "asked", "chosen", "abstained", "underThresholds", "stayed", "masterDown", "fallback" or "escalated".
    package var because: String
    /// "decided", "answered", "refused", "unsure", or why it was left.
    package var outcome: String
    package var microseconds: UInt64
    /// Of an answer that a cascade edge judged.
    package var confidence: Float
    /// From 1: which of the nodes that were asked at once the visit belongs to; 0: none of such.
    package var branch: UInt32

    package init(
        node: String = "", because: String = "", outcome: String = "", microseconds: UInt64 = 0, confidence: Float = 0,
        branch: UInt32 = 0
    ) {
        self.node = node
        self.because = because
        self.outcome = outcome
        self.microseconds = microseconds
        self.confidence = confidence
        self.branch = branch
    }
}

/// How a query found the node that answered it.
package struct Walk: Sendable, Equatable {
    /// That answered, or was tried last.
    package var node: String
    /// Of the last decision.
    package var shares: [NodeShare]
    /// Of the vocabulary's probability on functional tokens.
    package var mass: Float
    /// As the master worded the query; empty: none was asked for.
    package var rewrite: String
    /// The rewrite was not used.
    package var originalKept: Bool
    /// What the rewrite lost of the original.
    package var lost: [String]
    package var steps: [WalkStep]

    package init(
        node: String = "", shares: [NodeShare] = [], mass: Float = 0, rewrite: String = "",
        originalKept: Bool = false, lost: [String] = [], steps: [WalkStep] = []
    ) {
        self.node = node
        self.shares = shares
        self.mass = mass
        self.rewrite = rewrite
        self.originalKept = originalKept
        self.lost = lost
        self.steps = steps
    }
}
