/// A query that has not ended.
struct QueryRecord: Sendable {
    enum Phase: Hashable, Sendable {
        case preparing(ticket: UInt64)
        /// Waits for a worker, for the first time or again.
        case queued
        case running(worker: String, assignment: AssignmentID)
        /// A server outside the cluster answers.
        case calling(ticket: UInt64)
        /// Several nodes answer at once, each a branch.
        case fanned
    }

    /// What a worker must match so that it can go on where another stopped (P1).
    struct Pin: Hashable, Sendable {
        var sha256: String
        var numerics: String
    }

    let key: QueryKey
    /// Grows with every accepted query: the order among queries wherever one is needed.
    let order: UInt64
    let digest: BodyDigest
    let node: String
    /// Of this stage, where the query walks; as are sampling, route and bounds.
    var model: String
    var sampling: Sampling
    var topLogprobs: Int
    var route: RouteOptions?
    /// What the client asked for.
    let samplingAsked: Sampling
    let topLogprobsAsked: Int
    let routeAsked: RouteOptions?
    let answerTokensMax: Int
    /// No answer is wanted, but the prompt's score.
    let score: Bool
    let acceptedAt: Instant
    let deadline: Instant
    var wantsTrace: Bool
    var maxTokensAsked: Int
    /// What was asked for, cut to the context of the worker that sent the first token.
    var maxTokens: Int

    var phase: Phase
    var prompt: [Int32] = []
    /// The largest id in `prompt`: a worker's vocabulary must hold it.
    var promptTokenMax: Int32 = 0
    var tokens: [Int32] = []
    var logprobs: [TokenLogprobs] = []
    var pin: Pin?

    /// Of a query that goes through the graph.
    var walk: Walk?
    /// Over 0 while a master words the query: the longest rewrite.
    var rewriteBytes = 0
    /// The client was told once.
    var wasAccepted = false
    /// An answer without confidence, should the node that is to do better fail.
    var held: HeldAnswer?

    var attempts: [AttemptTrace] = []
    /// How many of them belong to earlier stages.
    var attemptsBefore = 0
    var workersKilled = 0
    /// Workers that failed this query without dying: not asked again.
    var failedOn: [String] = []
    /// Has read the beginning of this stage's prompt, and may have kept what it made of it.
    var prefersWorker: String?
    /// What the last of them said.
    var lastFault = ""
    /// Over all attempts, by expert.
    var missing: [MissingExpert] = []
    /// Over all attempts, in order.
    var relocated: [Relocation] = []
    /// Of the last attempt, whose prompt is the one that the answer continues.
    var drops: [LayerDrops] = []

    var target: ClientConnection?
    var leaseUntil: Instant
    /// Set while no ready worker can take the query.
    var waitUntil: Instant?
    var queuedAt: Instant
    var firstDispatchAt: Instant?
    var attemptAt: Instant?
    var attemptFirstTokenAt: Instant?
    var firstTokenAt: Instant?
    var lastTokenAt: Instant?

    init(_ submission: Submission, order: UInt64, phase: Phase, deadline: Instant, leaseUntil: Instant, at now: Instant)
    {
        key = submission.key
        self.order = order
        digest = submission.digest
        node = submission.node
        model = submission.model
        sampling = submission.sampling
        topLogprobs = submission.topLogprobs
        route = submission.route
        samplingAsked = submission.sampling
        topLogprobsAsked = submission.topLogprobs
        routeAsked = submission.route
        answerTokensMax = submission.maxTokens
        score = submission.score
        acceptedAt = now
        self.deadline = deadline
        wantsTrace = submission.wantsTrace
        maxTokensAsked = submission.maxTokens
        maxTokens = submission.maxTokens
        self.phase = phase
        target = submission.connection
        self.leaseUntil = leaseUntil
        queuedAt = now
        if submission.walks { walk = Walk(entry: submission.node, current: submission.currentNode, at: now) }
    }

    /// One of several nodes that answer a query at once.
    init(_ place: Int, of query: QueryRecord, _ walk: Walk, order: UInt64, at now: Instant) {
        key = query.key.branch(place)
        self.order = order
        (digest, node, model) = (query.digest, query.node, query.model)
        (samplingAsked, topLogprobsAsked, routeAsked) = (query.samplingAsked, query.topLogprobsAsked, query.routeAsked)
        (sampling, topLogprobs, route) = (query.samplingAsked, query.topLogprobsAsked, query.routeAsked)
        answerTokensMax = query.answerTokensMax
        (maxTokensAsked, maxTokens) = (query.answerTokensMax, query.answerTokensMax)
        (score, wantsTrace) = (query.score, query.wantsTrace)
        (acceptedAt, deadline) = (query.acceptedAt, query.deadline)
        // Whoever waits for the query waits for its branches.
        leaseUntil = query.deadline
        (phase, wasAccepted) = (.fanned, true)
        workersKilled = query.workersKilled
        queuedAt = now
        self.walk = walk
    }

    /// A master is asked for a reading.
    var decides: Bool { walk?.stage == .deciding }
    /// Attempts of this stage.
    var stageAttempts: Int { attempts.count - attemptsBefore }
    /// The generated tokens that the client may know of.
    var shownTokens: Int { walk?.hides == true ? 0 : tokens.count }

    /// Greedy, without a route, nothing generated: what the stage needs otherwise is set after it.
    mutating func beginStage(model: String) {
        self.model = model
        (sampling, topLogprobs, route, rewriteBytes) = (Sampling(), 0, nil, 0)
        (tokens, logprobs, pin, failedOn, lastFault, missing) = ([], [], nil, [], "", [])
        (waitUntil, firstTokenAt, lastTokenAt, prefersWorker) = (nil, nil, nil, nil)
        attemptsBefore = attempts.count
    }

    /// Goes on, or ends, with what another record has: a branch's answer, or one that was held. All but the prompt.
    mutating func take(stageOf other: QueryRecord) {
        (model, sampling, topLogprobs, route) = (other.model, other.sampling, other.topLogprobs, other.route)
        (rewriteBytes, maxTokensAsked, maxTokens) = (other.rewriteBytes, other.maxTokensAsked, other.maxTokens)
        (tokens, logprobs, pin) = (other.tokens, other.logprobs, other.pin)
        (failedOn, lastFault, missing) = (other.failedOn, other.lastFault, other.missing)
        (relocated, drops) = (other.relocated, other.drops)
        (waitUntil, queuedAt, attemptAt) = (other.waitUntil, other.queuedAt, other.attemptAt)
        (attemptFirstTokenAt, firstTokenAt) = (other.attemptFirstTokenAt, other.firstTokenAt)
        lastTokenAt = other.lastTokenAt
    }

    /// Attempts of a branch count as the query's.
    mutating func add(attemptsOf branch: QueryRecord) {
        for attempt in branch.attempts {
            attempts.append(attempt)
            attempts[attempts.count - 1].attempt = attempts.count
        }
        firstDispatchAt = firstDispatchAt ?? branch.firstDispatchAt
    }

    /// As the client asked.
    mutating func resumeAsking() {
        (sampling, topLogprobs, maxTokensAsked) = (samplingAsked, topLogprobsAsked, answerTokensMax)
        maxTokens = maxTokensAsked
    }

    /// The deadline, or an earlier one of the node where the query is.
    var stageDeadline: Instant { min(deadline, walk?.until ?? deadline) }
    var nextMoment: Instant { min(stageDeadline, leaseUntil, waitUntil ?? deadline) }
    var wasDispatched: Bool { !attempts.isEmpty }

    /// The number of the attempt that is running, or that will be next.
    var attempt: Int {
        if case .running = phase { return attempts.count }
        return attempts.count + 1
    }

    func timings(at now: Instant) -> Timings {
        Timings(
            queue: (firstDispatchAt ?? now).microseconds(since: acceptedAt),
            prefill: firstDispatchAt.map { (firstTokenAt ?? now).microseconds(since: $0) } ?? 0,
            decode: firstTokenAt.map { (lastTokenAt ?? $0).microseconds(since: $0) } ?? 0,
            total: now.microseconds(since: acceptedAt))
    }

    mutating func beginAttempt(on worker: String, at now: Instant) {
        attempts.append(
            AttemptTrace(
                worker: worker, attempt: attempts.count + 1, firstPosition: tokens.count, tokens: 0,
                queueMicroseconds: now.microseconds(since: queuedAt), prefillMicroseconds: 0, decodeMicroseconds: 0,
                outcome: .running))
        firstDispatchAt = firstDispatchAt ?? now
        attemptAt = now
        attemptFirstTokenAt = nil
        waitUntil = nil
    }

    mutating func append(_ fresh: ArraySlice<Int32>, logprobs freshLogprobs: ArraySlice<TokenLogprobs>, at now: Instant)
    {
        tokens.append(contentsOf: fresh)
        if topLogprobs > 0 { logprobs.append(contentsOf: freshLogprobs) }
        firstTokenAt = firstTokenAt ?? now
        lastTokenAt = now
        let last = attempts.count - 1
        if attemptFirstTokenAt == nil {
            attemptFirstTokenAt = now
            attempts[last].prefillMicroseconds = now.microseconds(since: attemptAt ?? now)
        }
        attempts[last].tokens += fresh.count
        attempts[last].decodeMicroseconds = now.microseconds(since: attemptFirstTokenAt ?? now)
    }

    /// Writes down how the running attempt went; a query without one is left as it is.
    mutating func endAttempt(_ outcome: AttemptTrace.Outcome) {
        guard let last = attempts.indices.last, attempts[last].outcome == .running else { return }
        attempts[last].outcome = outcome
    }

    mutating func note(missing reported: [MissingExpert]) {
        for entry in reported {
            if let index = missing.firstIndex(where: { $0.expert == entry.expert }) {
                missing[index].rows &+= entry.rows
            } else {
                missing.append(entry)
            }
        }
    }

    /// The last word on an expert counts.
    mutating func note(relocated reported: [Relocation]) {
        relocated.removeAll { old in reported.contains { $0.expert == old.expert } }
        relocated += reported
    }

    mutating func keep(_ count: Int) {
        tokens.removeLast(max(0, tokens.count - count))
        logprobs.removeLast(max(0, logprobs.count - count))
    }
}
