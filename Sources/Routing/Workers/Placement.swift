/// What a query asks of a worker.
struct PlacementNeeds: Sendable {
    var model: String
    var promptTokens: Int
    var promptTokenMax: Int32
    /// Prompt and every token that may still come; nil while the answer's length is not settled.
    var contextTokens: Int?
    /// Nil: any numerics will do.
    var pin: QueryRecord.Pin?
    var excluded: [String]
    /// Who has keys and values of the prompt's beginning.
    var preferred: String?

    init(_ query: QueryRecord, mixesNumerics: Bool) {
        model = query.model
        promptTokens = query.prompt.count
        promptTokenMax = query.promptTokenMax
        // With tokens already sent the answer's length is promised, and their continuation must fit it bit for bit.
        contextTokens = query.tokens.isEmpty ? nil : query.prompt.count + query.maxTokens
        pin = query.tokens.isEmpty || mixesNumerics ? nil : query.pin
        excluded = query.failedOn
        preferred = query.prefersWorker
    }

    /// Whether this worker could take the query, room or not.
    func accept(_ worker: WorkerRecord) -> Bool {
        guard worker.condition == .ready, let holding = worker.holding(model) else { return false }
        guard promptTokens < holding.contextLength, Int(promptTokenMax) < holding.vocabulary else { return false }
        if let contextTokens, contextTokens > holding.contextLength { return false }
        if let pin, pin != QueryRecord.Pin(sha256: holding.sha256, numerics: worker.hello.numerics) { return false }
        return !excluded.contains(worker.name)
    }
}

enum Placement {
    enum Choice: Hashable, Sendable {
        case worker(Int)
        /// Somebody could take it, and has no room now.
        case wait
        case nobody
    }

    /// The least loaded worker that can take the query: fewest assignments for its capacity, then fewest tokens
    /// outstanding, then by name. Workers that just failed or whose heartbeat is overdue are passed over as long as
    /// there is another, even a full one: its room comes back sooner than a lost attempt.
    static func choose(
        _ needs: PlacementNeeds, among workers: [WorkerRecord], _ configuration: RoutingConfiguration, at now: Instant
    ) -> Choice {
        var best: (healthy: Int?, other: Int?) = (nil, nil)
        var (anyHealthy, anyOther) = (false, false)
        for index in workers.indices where needs.accept(workers[index]) {
            if workers[index].health.isEjected(at: now) || workers[index].isSuspect(configuration, at: now) {
                anyOther = true
                best.other = lighter(index, than: best.other, among: workers)
            } else {
                anyHealthy = true
                best.healthy = lighter(index, than: best.healthy, among: workers)
            }
        }
        if let name = needs.preferred, let healthy = best.healthy, workers[healthy].name != name,
            let index = workers.firstIndex(where: { $0.name == name }), needs.accept(workers[index]),
            workers[index].hasCredit, !workers[index].health.isEjected(at: now),
            !workers[index].isSuspect(configuration, at: now)
        {
            return .worker(index)
        }
        if let index = anyHealthy ? best.healthy : best.other { return .worker(index) }
        return anyHealthy || anyOther ? .wait : .nobody
    }

    private static func lighter(_ candidate: Int, than best: Int?, among workers: [WorkerRecord]) -> Int? {
        guard workers[candidate].hasCredit else { return best }
        guard let best else { return candidate }
        // a/b < c/d as a·d < c·b: no rounding, no division by zero.
        let left = workers[candidate].assignments.count * workers[best].capacity
        let right = workers[best].assignments.count * workers[candidate].capacity
        if left != right { return left < right ? candidate : best }
        // The walk is in name order, so an equal candidate comes later by name.
        return workers[candidate].outstandingTokens < workers[best].outstandingTokens ? candidate : best
    }
}
