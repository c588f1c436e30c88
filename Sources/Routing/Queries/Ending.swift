/// The one place where a query ends (P2).
extension RoutingStateMachine {
    mutating func finish(_ key: QueryKey, _ reason: FinishReason, score: Score? = nil, routed: RoutedTokens? = nil) {
        if queries[key]?.walk != nil, escalates(key, reason, routed) { return }
        guard !concludesPart(key, reason) else { return }
        let key = key.isBranch ? takeOver(key) : key
        release(key)
        queries[key]?.endAttempt(.finished)
        guard let query = queries[key] else { return }
        let final = Final(
            attempt: max(1, query.attempts.count), finishReason: reason, promptTokens: query.prompt.count,
            generatedTokens: query.tokens.count, timings: query.timings(at: now),
            trace: query.wantsTrace ? query.attempts : [], receipt: query.wantsTrace ? query.receipt : nil,
            missing: query.missing, score: score, routed: query.wantsTrace ? routed : nil, walk: query.walk?.trace,
            relocated: query.relocated, drops: query.drops)
        observe(query, final.timings)
        conclude(key, .answered(final))
    }

    mutating func fail(
        _ key: QueryKey, _ kind: FailureKind, _ message: String, retryAfterMilliseconds: UInt64 = 0
    ) {
        fail(key, Failure(kind, message, retryAfterMilliseconds: retryAfterMilliseconds))
    }

    mutating func fail(_ key: QueryKey, _ failure: Failure) {
        if takesAnotherWay(key, failure.kind, failure.message) { return }
        var failure = failure
        // The visit that is cut short is a step of the trace as well.
        queries[key]?.walk?.leave("\(failure.kind): \(failure.message)", at: now)
        if key.isBranch { return concludeBranch(key, .failed(failure)) }
        if settlesForBranch(key, failure.kind) { return }
        endFan(key, "\(failure.kind) before its end")
        failure.tokensSent = queries[key]?.shownTokens ?? 0
        failure.walk = queries[key]?.walk?.trace
        conclude(key, .failed(failure))
    }

    /// The answer of one of several nodes, of which one text is made.
    private mutating func concludesPart(_ key: QueryKey, _ reason: FinishReason) -> Bool {
        guard key.isBranch, let query = queries[key], queries[key.root]?.walk?.fan?.how != .first else { return false }
        queries[key]?.endAttempt(.finished)
        concludeBranch(
            key,
            .answered(
                Final(
                    attempt: query.attempt, finishReason: reason, promptTokens: query.prompt.count,
                    generatedTokens: query.tokens.count, timings: query.timings(at: now))))
        return true
    }

    mutating func stop(_ key: QueryKey, keepTokens: Int) {
        guard let query = queries[key], !query.tokens.isEmpty else { return }
        queries[key]?.keep(max(0, keepTokens))
        finish(key, .stopString)
    }

    /// Takes the query out of every table, tells its client, keeps its outcome for a replay.
    mutating func conclude(_ key: QueryKey, _ outcome: Outcome) {
        if case .calling(let ticket) = queries[key]?.phase { directives.append(.hangUp(key, ticket: ticket)) }
        leaveWorker(key)
        // What the client never saw is no part of the answer.
        if queries[key]?.walk?.hides == true { queries[key]?.keep(0) }
        guard let query = queries.remove(key) else { return }
        if query.phase == .queued {
            removeFromQueue(key, model: query.model, served: false)
            unblocked.insert(query.model)
        }
        timers.cancel(.query(key))
        retain(query, outcome)
        if let connection = query.target, !holdBack(key, from: query.tokens.count, for: connection) {
            deliver(outcome.message, about: key, to: connection)
        }
        directives.append(.forget(key))
        switch outcome {
        case .answered: count(.queriesAnswered, model: query.model, worker: query.attempts.last?.worker)
        case .failed(let failure): count(.queriesFailed, model: query.model, failure: failure.kind)
        }
    }

    /// Withdraws the running attempt. The place on the worker stays taken until the worker acknowledges.
    mutating func leaveWorker(_ key: QueryKey) {
        guard case .running(let name, let assignment) = queries[key]?.phase else { return }
        queries[key]?.endAttempt(.withdrawn)
        guard let index = workers.index(of: name), let place = workers[index].index(of: assignment) else { return }
        guard workers[index].assignments[place].query == key else { return }
        withdraw(index, place: place)
    }

    private mutating func retain(_ query: QueryRecord, _ outcome: Outcome) {
        retention.insert(
            Retention.Entry(
                key: query.key, digest: query.digest, node: query.walk?.trace.node ?? query.node,
                promptTokens: query.prompt.count,
                attempts: max(1, query.attempts.count), tokens: query.tokens, logprobs: query.logprobs,
                outcome: outcome, expiresAt: now.advanced(byMilliseconds: limits.retainedMilliseconds),
                isDelivered: query.target != nil))
        timers.set(.retention, to: retention.nextExpiry)
    }

    private mutating func observe(_ query: QueryRecord, _ timings: Timings) {
        let worker = query.attempts.last?.worker ?? ""
        var values: [(Observation.Metric, UInt64)] = [(.queue, timings.queue), (.total, timings.total)]
        if query.firstTokenAt != nil { values.append((.firstToken, timings.queue + timings.prefill)) }
        if query.tokens.count > 1 { values.append((.perToken, timings.decode / UInt64(query.tokens.count - 1))) }
        for (metric, microseconds) in values {
            directives.append(
                .observe(
                    Observation(metric: metric, microseconds: microseconds, model: query.model, worker: worker)))
        }
    }
}

extension Outcome {
    var message: Delivery.Message {
        switch self {
        case .answered(let final): .final(final)
        case .failed(let failure): .failure(failure)
        }
    }
}

extension QueryRecord {
    fileprivate var receipt: Receipt? {
        pin.map {
            Receipt(
                modelSHA256: $0.sha256, numerics: $0.numerics, seed: sampling.seed, sampling: sampling,
                maxTokens: maxTokens, prompt: prompt)
        }
    }
}
