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
    /// It is at a node that it has not left: each visit is one step of the trace.
    private(set) var isOpen = false
    /// Which of the nodes that were asked at once the open visit belongs to, from 1.
    private var openBranch = 0
    /// Nodes visited so far, those of branches included.
    var visits = 0
    /// Nodes to try next, should this one fail before its first byte.
    var ahead: [Candidate] = []
    /// That decided last.
    var master: String?
    /// That named this node: a master, or one that has handed on. It may word the query.
    var author: String?
    /// Of a branch: a master has decided within it.
    var hasDecided = false
    /// That answered the conversation before.
    let current: String?
    private(set) var trace = WalkTrace()
    /// The answer is kept back until a cascade edge has judged it.
    var holds = false
    /// By when this stage is to have ended; nil: by the query's own deadline.
    var until: Instant?
    private var tried: Set<String> = []
    /// Several nodes answer at once.
    var fan: Fan?
    /// Of a branch: its answer is one part of the client's.
    private var isPart = false
    /// What is at hand is the answer: no cascade edge judges it again.
    private(set) var isSettled = false

    init(entry: String, current: String?, at now: Instant) {
        node = entry
        self.current = current
        enteredAt = now
    }

    /// Of a branch.
    init(_ next: Candidate, of walk: Walk, isPart: Bool, at now: Instant) {
        self.init(entry: next.node, current: walk.current, at: now)
        (master, author) = (walk.master, walk.author)
        self.isPart = isPart
    }

    /// Nothing of what is generated now is for the client, or not yet.
    var hides: Bool { stage != .answering || holds || isPart || fan != nil }

    func hasTried(_ name: String) -> Bool { tried.contains(name) }

    mutating func enter(_ next: Candidate, at now: Instant) {
        (node, because, enteredAt) = (next.node, next.because, now)
        (isOpen, openBranch) = (true, 0)
        tried.insert(next.node)
        trace.node = next.node
        holds = false
    }

    /// Whose time this stage takes: a master words a query for another node.
    var host: String? { stage == .rewriting ? author : node }

    mutating func begin(_ stage: Stage) { self.stage = stage }

    mutating func leave(_ outcome: String, confidence: Double? = nil, at now: Instant) {
        guard isOpen else { return }
        isOpen = false
        trace.steps.append(
            WalkTrace.Step(
                node: node, because: because, outcome: outcome, microseconds: now.microseconds(since: enteredAt),
                confidence: confidence, branch: openBranch))
    }

    mutating func note(_ shares: [WalkTrace.Share], mass: Double) { (trace.shares, trace.mass) = (shares, mass) }

    mutating func note(_ rewrite: RewriteNote) { trace.rewrite = rewrite }

    /// Of several nodes, what they said is one answer now.
    ///
    /// - Parameter node: the likeliest of them.
    mutating func settle(asOf node: String) {
        (holds, isSettled, trace.node) = (false, true, node)
    }

    /// An earlier node's answer is the query's, because `reason`.
    mutating func settle(on name: String, _ reason: String) {
        (stage, node, isSettled, holds) = (.answering, name, true, true)
        trace.node = name
        guard let index = trace.steps.lastIndex(where: { $0.node == name }) else { return }
        trace.steps[index].outcome += "; \(reason)"
    }

    /// Steps of nodes that were asked at once, each with its place.
    mutating func join(_ branches: [Walk]) {
        trace.node = branches.last?.trace.node ?? trace.node
        for (place, branch) in branches.enumerated() {
            trace.steps += branch.trace.steps.map { step in
                var step = step
                step.branch = place + 1
                return step
            }
            tried.formUnion(branch.tried)
            if trace.rewrite == nil { trace.rewrite = branch.trace.rewrite }
        }
    }

    /// A branch answered first: the query is where the branch is.
    mutating func take(_ branch: Walk, at place: Int) {
        (stage, node, because, enteredAt, isOpen) = (
            branch.stage, branch.node, branch.because, branch.enteredAt, branch.isOpen
        )
        (master, author, hasDecided) = (branch.master, branch.author, branch.hasDecided)
        ahead = branch.ahead + ahead
        (holds, until, isSettled) = (branch.holds, branch.until, branch.isSettled)
        trace.node = branch.trace.node
        trace.rewrite = branch.trace.rewrite ?? trace.rewrite
        openBranch = isOpen ? place + 1 : 0
    }
}
