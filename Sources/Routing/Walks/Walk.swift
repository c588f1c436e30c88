/// One query on its way through the graph.
struct Walk: Sendable {
    enum Stage: Hashable, Sendable {
        /// A master reads the query.
        case deciding
        /// It words the query for the node.
        case rewriting
        case answering
    }

    struct Candidate: Hashable, Sendable {
        var node: String
        var because: WalkTrace.Because
    }

    private(set) var stage = Stage.deciding
    /// Where it is.
    private(set) var node: String
    private var because = WalkTrace.Because.asked
    private var enteredAt: Instant
    /// Nodes to try next, should this one fail before its first byte.
    var ahead: [Candidate] = []
    /// That decided last.
    var master: String?
    /// That answered the conversation before.
    let current: String?
    private(set) var trace = WalkTrace()
    /// The answer is kept back until a cascade edge has judged it.
    var holds = false
    /// By when this stage is to have ended; nil: by the query's own deadline.
    var until: Instant?
    private var tried: Set<String> = []

    init(entry: String, current: String?, at now: Instant) {
        node = entry
        self.current = current
        enteredAt = now
    }

    /// Nothing of what is generated now is for the client, or not yet.
    var hides: Bool { stage != .answering || holds }
    var steps: Int { trace.steps.count }

    func hasTried(_ name: String) -> Bool { tried.contains(name) }

    mutating func enter(_ next: Candidate, at now: Instant) {
        (node, because, enteredAt) = (next.node, next.because, now)
        tried.insert(next.node)
        trace.node = next.node
        holds = false
    }

    /// Whose time this stage takes: a master words a query for another node.
    var host: String? { stage == .rewriting ? master : node }

    mutating func begin(_ stage: Stage) { self.stage = stage }

    mutating func leave(_ outcome: String, confidence: Double? = nil, at now: Instant) {
        trace.steps.append(
            WalkTrace.Step(
                node: node, because: because, outcome: outcome, microseconds: now.microseconds(since: enteredAt),
                confidence: confidence))
        enteredAt = now
    }

    mutating func note(_ shares: [WalkTrace.Share], mass: Double) { (trace.shares, trace.mass) = (shares, mass) }

    mutating func note(_ rewrite: RewriteNote) { trace.rewrite = rewrite }
}

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

/// How a query found the node that answered it.
package struct WalkTrace: Hashable, Sendable {
    package enum Because: String, Hashable, Sendable {
        case asked, chosen, abstained, underThresholds, stayed, masterDown, fallback, escalated
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
