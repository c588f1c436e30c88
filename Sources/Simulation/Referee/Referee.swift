import Routing

/// Watches every directive from outside the core and holds it to the promises. What it knows it has from the events
/// that went in, the directives that came out and the world's own truth, never from the core's tables (these it only
/// compares with each other and with their limits).
struct Referee {
    /// An accepted query that has not ended, or the last one under its key.
    struct Watch {
        var question: Question
        var acceptedAt: Instant
        var deadline: Instant
        /// What the shell's decoder was fed.
        var decoded: [Int32] = []
        /// Of the worker that the first token came from.
        var numerics: String?
        var attempts = 0
        var isLive = true
        var endedAt: Instant?
    }

    let limits: RoutingLimits
    private(set) var violations: [String] = []
    private var watches: [QueryKey: Watch] = [:]
    /// Live queries, by identity.
    private var live: [String: Int] = [:]
    private(set) var liveCount = 0
    private(set) var accepted = 0
    private(set) var answered = 0
    private(set) var failed: [String: Int] = [:]
    private var queryOf: [AssignmentID: QueryKey] = [:]

    init(limits: RoutingLimits) {
        self.limits = limits
    }

    subscript(key: QueryKey) -> Watch? { watches[key] }
    var liveKeys: [QueryKey] { watches.filter(\.value.isLive).map(\.key).sorted { $0.description < $1.description } }

    mutating func object(_ text: String) {
        if violations.count < 50 { violations.append(text) }
    }

    mutating func expect(_ condition: Bool, _ text: @autoclosure () -> String) {
        if !condition { object(text()) }
    }
}

// MARK: P2: one query, one ending

extension Referee {
    mutating func accept(_ submission: Submission, _ question: Question, deadline: Instant, at now: Instant) {
        let key = submission.key
        expect(watches[key]?.isLive != true, "P2: \(key) was accepted while it was live")
        watches[key] = Watch(question: question, acceptedAt: now, deadline: deadline)
        live[key.identity, default: 0] += 1
        liveCount += 1
        accepted += 1
    }

    /// A refusal of somebody who holds nothing must have a reason that is not somebody else's share.
    mutating func checkBusy(_ submission: Submission, _ question: Question, census: Census) {
        let isFree =
            census.liveQueries < limits.queriesMax && census.waitingQueries < limits.queuedMax
            && census.promptTokens + question.prompt.count <= limits.promptTokensTotalMax
        expect(
            !(isFree && live[submission.key.identity, default: 0] == 0),
            "fairness: \(submission.key) was refused as busy although its identity holds nothing and there is room")
    }

    mutating func end(
        _ key: QueryKey, _ retained: (outcome: Outcome, tokens: [Int32])?, at now: Instant, latest: Instant
    ) -> Outcome? {
        guard let watch = watches[key], watch.isLive else {
            object("P2: \(key) ended twice, or was never accepted")
            return nil
        }
        watches[key]?.isLive = false
        watches[key]?.endedAt = now
        live[key.identity, default: 0] -= 1
        liveCount -= 1
        expect(now <= latest, "P2: \(key) ended \(now.microseconds(since: watch.deadline)) µs after its deadline")
        guard let retained else { return nil }
        check(retained.outcome, retained.tokens, of: key, watch)
        return retained.outcome
    }

    private mutating func check(_ outcome: Outcome, _ tokens: [Int32], of key: QueryKey, _ watch: Watch) {
        let reference = watch.question.reference(numerics: watch.numerics ?? "n1")
        switch outcome {
        case .answered(let final):
            answered += 1
            expect(
                tokens == reference.tokens && Array(watch.decoded.prefix(tokens.count)) == tokens,
                "P4: \(key) was answered with \(tokens), an uninterrupted run gives \(reference.tokens)")
            expect(
                final.finishReason == reference.reason && final.generatedTokens == tokens.count,
                "P4: \(key) finished as \(final.finishReason), an uninterrupted run as \(reference.reason)")
        case .failed(let failure):
            failed["\(failure.kind)", default: 0] += 1
            expect(
                reference.tokens.starts(with: tokens) || tokens.isEmpty,
                "P4: \(key) failed as \(failure.kind) with the wrong tokens \(tokens)")
        }
    }

    /// Queries that should have ended by now.
    mutating func checkOverdue(latest: (Instant) -> Instant, at now: Instant) {
        for (key, watch) in watches where watch.isLive && now > latest(watch.deadline) {
            object("P2: \(key) is still live \(now.microseconds(since: watch.deadline)) µs after its deadline")
        }
    }
}

// MARK: P4: losing a worker costs time, not answers

extension Referee {
    mutating func assign(_ assign: Assign, numerics: String) {
        let key = assign.query
        guard let watch = watches[key], watch.isLive else {
            return object("P2: \(key) was assigned and is not live")
        }
        watches[key]?.attempts += 1
        let attemptsMax = limits.redispatchesMax + 1
        expect(
            watch.attempts + 1 <= attemptsMax, "P4: \(key) is in attempt \(watch.attempts + 1)")
        expect(
            assign.tokens == watch.question.prompt + watch.decoded && assign.generatedBefore == watch.decoded.count,
            "P4: \(key) goes on from \(assign.tokens), not from its prompt and the tokens sent")
        if watch.decoded.isEmpty { watches[key]?.numerics = numerics }
        expect(queryOf[assign.assignment] == nil, "P4: assignment \(assign.assignment.rawValue) was used twice")
        queryOf[assign.assignment] = key
    }

    /// When the query behind an assignment ended; nil while it is live.
    func endOfQuery(behind id: AssignmentID) -> Instant? {
        queryOf[id].flatMap { watches[$0]?.endedAt }
    }

    /// Tokens on their way to the decoder; true where they continue what it has.
    mutating func advance(_ advance: Advance) -> Bool {
        guard let watch = watches[advance.query], watch.isLive else {
            object("P2: tokens for \(advance.query), which is not live")
            return false
        }
        expect(
            advance.position == watch.decoded.count,
            "P4: \(advance.query) advances at \(advance.position), the decoder has \(watch.decoded.count) tokens")
        watches[advance.query]?.decoded += advance.tokens
        return true
    }

    /// `healthy` says whether a worker that could have answered was there and fine since the given moment.
    mutating func checkLoss(_ key: QueryKey, _ outcome: Outcome, healthy: (Watch) -> String?) {
        guard case .failed(let failure) = outcome, let watch = watches[key] else { return }
        switch failure.kind {
        case .workerLost, .noWorker:
            guard watch.attempts <= limits.redispatchesMax, let name = healthy(watch) else { return }
            object("P4: \(key) failed as \(failure.kind) although \(name) was there all along: \(failure.message)")
        case .poisonQuery:
            expect(watch.attempts >= limits.workersKilledMax, "P4: \(key) is poison after \(watch.attempts) attempts")
        default: break
        }
    }
}

// MARK: P5: everything is bounded

extension Referee {
    mutating func checkBounds(_ census: Census, peers: Int) {
        let bounds: [(String, Int, Int)] = [
            ("queries", census.liveQueries, limits.queriesMax),
            ("waiting queries", census.waitingQueries, limits.queuedMax),
            ("prompt tokens", census.promptTokens, limits.promptTokensTotalMax),
            ("retained outcomes", census.retained, limits.retainedMax),
            ("retained bytes", census.retainedBytes, limits.retainedBytesMax),
            ("workers", census.workers, limits.workersMax),
            ("congested connections", census.congestedConnections, limits.congestedConnectionsMax),
            ("identities", census.identities, limits.queriesMax),
            ("timers", census.timers, census.liveQueries + census.workers + census.congestedConnections + 2),
        ]
        for (name, value, bound) in bounds where value > bound {
            object("P5: \(value) \(name), the bound is \(bound)")
        }
        let count = liveCount
        expect(census.liveQueries == count, "P2: the core has \(census.liveQueries) live queries, \(count) are")
    }

    /// After everything healed and every client fell silent.
    mutating func checkDrained(_ census: Census, held: Int) {
        expect(
            census.liveQueries == 0 && census.retained == 0 && census.congestedConnections == 0 && held == 0
                && census.promptTokens == 0 && census.identities == 0,
            "P5: not drained: \(census), \(held) assignments held")
        expect(census.timers <= census.workers + 1, "P5: \(census.timers) timers for \(census.workers) workers")
    }
}
