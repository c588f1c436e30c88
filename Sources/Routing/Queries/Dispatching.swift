/// From the queue to a worker, and back when the worker fails.
extension RoutingStateMachine {
    /// Puts a query in line for its first or its next worker, and dispatches what can be.
    mutating func enqueue(_ key: QueryKey) {
        guard let query = queries[key] else { return }
        queries.setPhase(.queued, of: key)
        queries[key]?.queuedAt = now
        // A branch has been in the line already, as its query.
        if query.wasDispatched || key.isBranch {
            queues[query.model, default: FairQueue()].appendInterrupted(key, order: query.order)
        } else {
            queues[query.model, default: FairQueue()].append(key)
        }
        reconsiderWaiting(key)
        dispatch(query.model)
    }

    func choose(for key: QueryKey) -> Placement.Choice {
        guard let query = queries[key] else { return .nobody }
        let mixes = configuration.models[query.model]?.mixesNumerics ?? false
        let needs = PlacementNeeds(query, mixesNumerics: mixes)
        return Placement.choose(needs, among: workers.records, configuration, at: now)
    }

    /// Dispatches queries of this model until the workers are full or nobody fitting waits.
    mutating func dispatch(_ model: String) {
        while let queue = queues[model], hasRoom(model) {
            let next = queue.next(
                running: { queries.shares[$0].running },
                isPlaceable: { if case .worker = choose(for: $0) { true } else { false } })
            guard let key = next, case .worker(let index) = choose(for: key) else { return }
            removeFromQueue(key, model: model, served: true)
            start(key, on: index)
        }
    }

    mutating func dispatch(modelsOf worker: WorkerRecord) {
        for holding in worker.hello.models { dispatch(holding.model) }
    }

    /// Last in an event, since a queue that is being walked over must not change under the walk.
    mutating func dispatchUnblocked() {
        guard !unblocked.isEmpty else { return }
        for model in unblocked.sorted() { dispatch(model) }
        unblocked = []
    }

    private func hasRoom(_ model: String) -> Bool {
        workers.hasAny { $0.condition == .ready && $0.hasCredit && $0.holds(model) }
    }

    mutating func removeFromQueue(_ key: QueryKey, model: String, served: Bool) {
        queues[model]?.remove(key, served: served)
        if queues[model]?.isEmpty == true { queues[model] = nil }
    }

    private mutating func start(_ key: QueryKey, on index: Int) {
        guard let connection = workers[index].connection, let model = queries[key]?.model,
            let holding = workers[index].holding(model)
        else { return }
        let id = AssignmentID(nextAssignment)
        nextAssignment += 1
        let worker = workers[index].name
        queries.setPhase(.running(worker: worker, assignment: id), of: key)
        queries[key]?.begin(on: workers[index], holding: holding, at: now)
        guard let query = queries[key] else { return }
        let remaining = query.maxTokens - query.tokens.count
        workers[index].hold(
            HeldAssignment(id: id, query: key, outstandingTokens: query.prompt.count + remaining), at: now)
        reschedule(index)
        timers.set(.query(key), to: query.nextMoment)
        count(.dispatches, model: model, worker: worker)
        if query.attempts.count > 1 { count(.redispatches, model: model, worker: worker) }
        directives.append(
            .assign(
                Assign(
                    assignment: id, worker: worker, connection: connection, query: key, model: model,
                    tokens: query.prompt + query.tokens, generatedBefore: query.tokens.count,
                    sampling: query.sampling, maxTokens: query.maxTokens, topLogprobs: query.topLogprobs,
                    deadlineMilliseconds: query.stageDeadline.milliseconds(from: now), route: query.route,
                    score: query.score, trace: query.wantsTrace, decide: query.decides,
                    rewriteBytes: query.rewriteBytes)))
    }
}

extension QueryRecord {
    fileprivate mutating func begin(on worker: WorkerRecord, holding: ModelHolding, at now: Instant) {
        if tokens.isEmpty {
            pin = Pin(sha256: holding.sha256, numerics: worker.hello.numerics)
            maxTokens = min(maxTokensAsked, holding.contextLength - prompt.count)
        }
        beginAttempt(on: worker.name, at: now)
    }
}

/// When no ready worker can take a query.
extension RoutingStateMachine {
    /// Starts or ends the query's wait for a worker; without a configured wait it fails here and now.
    private mutating func reconsiderWaiting(_ key: QueryKey) {
        guard let query = queries[key] else { return }
        guard choose(for: key) == .nobody else {
            queries[key]?.waitUntil = nil
            return
        }
        guard configuration.waitForWorkerMilliseconds > 0 else { return failForLackOfWorkers(key) }
        guard query.waitUntil == nil else { return }
        queries[key]?.waitUntil = now.advanced(byMilliseconds: configuration.waitForWorkerMilliseconds)
        queries[key].map { timers.set(.query(key), to: $0.nextMoment) }
    }

    /// After a worker came, went or changed.
    mutating func reconsider(modelsOf worker: WorkerRecord) {
        for holding in worker.hello.models {
            for key in queues[holding.model]?.keys ?? [] { reconsiderWaiting(key) }
            dispatch(holding.model)
        }
    }

    mutating func failForLackOfWorkers(_ key: QueryKey) {
        guard let query = queries[key] else { return }
        let retry = configuration.busyRetryMilliseconds
        if query.wasDispatched {
            fail(
                key, .workerLost, "\(query.lastFault), and no other ready worker can go on with \(query.model)",
                retryAfterMilliseconds: retry)
        } else {
            fail(
                key, .noWorker, "no ready worker can take this query for \(query.model); see skein status",
                retryAfterMilliseconds: retry)
        }
    }
}

/// When an attempt fails.
extension RoutingStateMachine {
    /// What went wrong with an attempt.
    struct Interruption {
        var trace: AttemptTrace.Outcome
        /// For the client's message: who and how.
        var text: String
        var killedWorker = false
        /// A worker that lives on but is not to be asked again for this query.
        var avoid: String?
    }

    /// The query's worker is gone or failed; its tokens are kept and it goes on elsewhere, within bounds.
    mutating func interrupt(_ key: QueryKey, _ interruption: Interruption) {
        queries[key]?.endAttempt(interruption.trace)
        queries[key]?.lastFault = interruption.text
        if interruption.killedWorker { queries[key]?.workersKilled += 1 }
        if let avoid = interruption.avoid { queries[key]?.failedOn.append(avoid) }
        guard let query = queries[key] else { return }
        // Every token is here; only the word that it was the last one got lost.
        if query.walk?.stage ?? .answering == .answering, query.tokens.count == query.maxTokens {
            return finish(key, .maxTokens)
        }
        if query.workersKilled >= limits.workersKilledMax {
            return fail(
                key, .poisonQuery, "\(query.workersKilled) workers were lost while they worked on this query")
        }
        if query.stageAttempts > limits.redispatchesMax {
            return fail(key, .workerLost, "\(interruption.text), in attempt \(query.stageAttempts), the last one")
        }
        enqueue(key)
    }
}
