import Routing

/// Holds walks to their promises, from what goes into the core and what comes out of it.
struct GraphReferee {
    struct Watch {
        var submission: Submission
        var deadline: Instant
        var steps: Int
        /// What this client was sent; nil for a place where nothing has come.
        var received: [Int32] = []
        var wasAccepted = false
        var endings = 0
        /// Nothing went wrong on the client's side.
        var isSound = true
        var isLive = true
        var branches: Set<QueryKey> = []
    }

    private(set) var violations: [String] = []
    private(set) var watches: [QueryKey: Watch] = [:]
    private(set) var liveCount = 0
    private(set) var accepted = 0
    private(set) var answered = 0
    private(set) var failed: [String: Int] = [:]
    private(set) var seen: Set<String> = []
    /// What the shell's decoder holds, by query.
    var texts: [QueryKey: [Int32]] = [:]

    mutating func object(_ text: String) { if violations.count < 20 { violations.append(text) } }

    mutating func expect(_ condition: Bool, _ text: @autoclosure () -> String) {
        if !condition { object(text()) }
    }

    mutating func note(_ what: String) { seen.insert(what) }

    subscript(key: QueryKey) -> Watch? { watches[key] }

    mutating func accept(_ submission: Submission, steps: Int, deadline: Instant) {
        watches[submission.key] = Watch(submission: submission, deadline: deadline, steps: steps)
        accepted += 1
        liveCount += 1
    }

    mutating func unsound(_ key: QueryKey) { watches[key]?.isSound = false }

    /// The graph was edited: the walk may be as long as either says.
    mutating func allow(steps: Int) {
        for (key, watch) in watches where watch.steps < steps { watches[key]?.steps = steps }
    }

    // MARK: Branches

    mutating func visit(_ key: QueryKey, node: String, graph: NodeGraph) {
        expect(watches[key.root]?.isLive == true, "P2: \(key) is worked on and its query is not live")
        let clients = graph.nodes[node]?.clients
        expect(clients?.contains(key.identity) ?? true, "graph: \(node) is not for \(key.identity)")
        if key.isBranch { watches[key.root]?.branches.insert(key) }
        let count = watches[key.root]?.branches.count ?? 0
        expect(count <= RandomGraph.topMax, "P5: \(key) has \(count) branches")
    }

    mutating func adopt(_ key: QueryKey, from branch: QueryKey) {
        note("adopted")
        watches[key]?.branches.remove(branch)
        texts[key] = texts.removeValue(forKey: branch)
        let left = watches[key]?.branches ?? []
        expect(left.isEmpty, "P2: \(branch) took \(key) over beside \(left)")
    }

    // MARK: What clients see

    mutating func advance(_ advance: Advance) {
        let key = advance.query
        let at = texts[key]?.count ?? 0
        expect(advance.position == at, "P3: \(key) advances at \(advance.position), its decoder has \(at)")
        texts[key, default: []] += advance.tokens
        expect(!key.isBranch || advance.connection == nil, "P3: a branch of \(key) reaches the client")
        if advance.connection != nil { receive(key, advance.position, advance.tokens) }
    }

    mutating func receive(_ key: QueryKey, _ position: Int, _ tokens: [Int32]) {
        guard let watch = watches[key] else { return object("P3: tokens for \(key), which nobody asked") }
        expect(watch.wasAccepted || !watch.isSound, "P2: \(key) gets tokens before Accepted")
        let known = watch.received.count - position
        guard known >= 0 else { return expect(!watch.isSound, "P3: \(key) has a hole before \(position)") }
        let (old, new) = (watch.received.dropFirst(position), tokens)
        expect(zip(old, new).allSatisfy { $0 == $1 }, "P3: \(key) got other tokens than before at \(position)")
        watches[key]?.received += tokens.dropFirst(known)
    }

    mutating func deliver(_ delivery: Delivery) {
        let key = delivery.query
        switch delivery.message {
        case .accepted: watches[key]?.wasAccepted = true
        case .replay(let replay): receive(key, replay.from, Array(replay.tokens.dropFirst(replay.from)))
        case .final(let final):
            guard let watch = watches[key] else { return object("P2: \(key) ended and was never accepted") }
            watches[key]?.endings += 1
            expect(watch.wasAccepted || !watch.isSound, "P2: \(key) ended well without an Accepted")
            guard watch.isSound else { return }
            expect(
                watch.received.count >= final.generatedTokens,
                "P3: \(key)'s client has \(watch.received.count) of \(final.generatedTokens) tokens")
        case .failure(let failure):
            guard let watch = watches[key] else { return }
            watches[key]?.endings += 1
            guard watch.isSound, failure.kind != .busy, failure.kind != .unknownQuery else { return }
            expect(
                watch.received.count == failure.tokensSent,
                "P3: \(key)'s client has \(watch.received.count) tokens, \(failure.tokensSent) were sent")
        }
    }

    // MARK: Endings

    mutating func end(
        _ key: QueryKey, _ retained: (outcome: Outcome, tokens: [Int32])?, at now: Instant, late: Instant,
        reference: (String, Int) -> [Int32], gathered: [Int32]?
    ) {
        texts[key] = nil
        guard !key.isBranch else {
            watches[key.root]?.branches.remove(key)
            return
        }
        guard let watch = watches[key], watch.isLive else {
            return object("P2: \(key) ended twice, or was not accepted")
        }
        watches[key]?.isLive = false
        liveCount -= 1
        expect(now <= late, "P2: \(key) ended \(now.microseconds(since: watch.deadline)) µs after its deadline")
        expect(watch.branches.isEmpty, "P2: \(key) ended, and \(watch.branches) did not")
        guard let retained else { return object("retention: \(key) is not kept") }
        switch retained.outcome {
        case .answered(let final):
            answered += 1
            guard let trace = final.walk else { return object("trace: \(key) has none") }
            check(trace, of: key, watch)
            let whole = gathered ?? reference(trace.node, retained.tokens.count)
            expect(
                Array(whole.prefix(retained.tokens.count)) == retained.tokens,
                "P4: \(key) was answered with \(retained.tokens), \(trace.node) says \(whole)")
            let last = trace.steps.contains { $0.outcome.hasPrefix("answered") || $0.outcome.contains("; kept, since") }
            expect(last, "trace: \(key) was answered, and no step says so: \(trace.steps.map(\.outcome))")
        case .failed(let failure):
            failed["\(failure.kind)", default: 0] += 1
            failure.walk.map { check($0, of: key, watch) }
        }
    }

    private mutating func check(_ trace: WalkTrace, of key: QueryKey, _ watch: Watch) {
        expect(trace.steps.count <= watch.steps, "P5: \(key) took \(trace.steps.count) steps of \(watch.steps)")
        expect(
            trace.steps.first.map { $0.node == "m0" && $0.because == .asked } ?? true,
            "trace: \(key) began with \(String(describing: trace.steps.first))")
        let spent = trace.steps.filter { $0.branch == 0 }.reduce(0) { $0 + $1.microseconds }
        expect(
            spent <= watch.deadline.microseconds, "trace: \(key) spent \(spent) µs")
        for step in trace.steps {
            note("\(step.because)")
            if step.branch > 0 { note("branch") }
            if step.outcome.contains("; kept, since") { note("kept") }
            if step.outcome == "unsure" { note("unsure") }
        }
    }

    /// Whoever did nothing wrong has been told once.
    mutating func checkEndings() {
        for (key, watch) in watches where watch.isSound && !watch.isLive {
            expect(watch.endings == 1, "P2: \(key)'s client was told \(watch.endings) endings")
        }
    }

    mutating func checkBounds(_ census: Census, limits: RoutingLimits) {
        expect(census.liveQueries <= limits.queriesMax, "P5: \(census.liveQueries) queries")
        expect(census.branches <= census.liveQueries * RandomGraph.topMax, "P5: \(census.branches) branches")
        expect(census.promptTokens <= limits.promptTokensTotalMax, "P5: \(census.promptTokens) prompt tokens")
        let live = liveCount
        expect(census.liveQueries == live, "P2: the core has \(census.liveQueries) live queries, \(live) are")
    }
}
