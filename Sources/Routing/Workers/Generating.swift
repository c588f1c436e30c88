import Deciding

/// Tokens and endings from workers: duplicates and stale attempts are discarded, anything else that does not fit is
/// the worker's fault and moves the query elsewhere.
extension RoutingStateMachine {
    mutating func take(_ generated: Generated, from connection: WorkerConnection) {
        guard let index = speaker(connection) else { return }
        noteProgress(index)
        guard let place = workers[index].index(of: generated.assignment) else {
            // Left over from an earlier router, perhaps: work for nobody.
            directives.append(.withdraw(connection, generated.assignment))
            return count(.staleMessages, worker: workers[index].name)
        }
        guard let key = workers[index].assignments[place].query else {
            return count(.staleMessages, worker: workers[index].name)
        }
        if let fault = queries[key]?.fault(of: generated, vocabulary: vocabulary(index, key), limits: limits) {
            return blame(index, place: place, key, fault)
        }
        extend(key, generated, index: index, place: place)
    }

    /// A timer that is too early looks again and moves on, so only the end of a suspicion, which puts the next
    /// suspicion before the timer, has to move it. It also makes the worker's free places usable again.
    private mutating func noteProgress(_ index: Int) {
        let wasSuspect = workers[index].isSuspect(configuration, at: now)
        workers[index].advance(at: now)
        guard wasSuspect else { return }
        reschedule(index)
        dispatch(modelsOf: workers[index])
    }

    private func vocabulary(_ index: Int, _ key: QueryKey) -> Int {
        queries[key].flatMap { workers[index].holding($0.model)?.vocabulary } ?? 0
    }

    /// Appends what is new and passes it on.
    private mutating func extend(_ key: QueryKey, _ generated: Generated, index: Int, place: Int) {
        let known = (queries[key]?.tokens.count ?? 0) - generated.position
        if known > 0, !generated.tokens.isEmpty {
            count(.duplicateTokens, by: min(known, generated.tokens.count), worker: workers[index].name)
        }
        let fresh = generated.tokens.dropFirst(known)
        guard !fresh.isEmpty else { return }
        let position = generated.position + known
        let logprobs = generated.logprobs.dropFirst(known)
        queries[key]?.append(fresh, logprobs: logprobs, at: now)
        workers[index].assignments[place].outstandingTokens -= fresh.count
        let key = adopt(key)
        guard
            let (model, topLogprobs, attempt, target) = queries[key].map({
                ($0.model, $0.topLogprobs, $0.attempt, $0.target)
            })
        else { return }
        if queries[key]?.walk?.stage ?? .answering != .answering { return }
        count(.tokensOut, by: fresh.count, model: model, worker: workers[index].name)
        let hides = queries[key]?.walk?.hides == true
        let isHeldBack = hides || (target.map { holdBack(key, from: position, for: $0) } ?? false)
        directives.append(
            .advance(
                Advance(
                    query: key, attempt: attempt, position: position, tokens: Array(fresh),
                    logprobs: topLogprobs > 0 && !hides ? Array(logprobs) : [], connection: isHeldBack ? nil : target)))
    }

    mutating func take(_ ended: Ended, from connection: WorkerConnection) {
        guard let index = speaker(connection) else { return }
        noteProgress(index)
        guard let place = workers[index].index(of: ended.assignment) else {
            return count(.staleMessages, worker: workers[index].name)
        }
        let key = workers[index].assignments[place].query
        workers[index].assignments.remove(at: place)
        if let key { settle(key, ended, index: index) }
        dispatch(modelsOf: workers[index])
    }

    /// The worker's word that an attempt is over. Its place is free already.
    private mutating func settle(_ key: QueryKey, _ ended: Ended, index: Int) {
        queries[key]?.note(missing: ended.missing)
        queries[key]?.note(relocated: ended.relocated)
        queries[key]?.drops = ended.drops
        guard let query = queries[key] else { return }
        let name = workers[index].name
        // A message that was lost on the way would otherwise leave a hole at the answer's end.
        if ended.kind == .endToken || ended.kind == .maxTokens, let said = ended.generatedTokens,
            said != query.tokens.count
        {
            let text = "said it was done after \(said) tokens where \(query.tokens.count) have arrived"
            note(.warning, "worker \(name) \(text)")
            return fault(index, key, .failed, text)
        }
        if query.score, ended.kind == .endToken || ended.kind == .maxTokens {
            return fault(index, key, .failed, "answered where a score was asked for")
        }
        if query.decides != (ended.kind == .decided), ended.kind.isAnswer {
            return fault(index, key, .failed, "ended as \(ended.kind) where something else was asked for")
        }
        switch ended.kind {
        case .decided:
            guard let reading = ended.reading, let holding = workers[index].holding(query.model),
                reading.logits.count == holding.functionalTokens.count, reading.logits.allSatisfy(\.isFinite),
                (0...1).contains(reading.mass), holding.temperature > 0
            else { return fault(index, key, .failed, "sent a reading that is none of its functional tokens") }
            workers[index].health.succeed()
            decide(
                key, reading, tokens: holding.functionalTokens, temperature: Double(holding.temperature))
        case .endToken where query.rewriteBytes > 0:
            workers[index].health.succeed()
            finishRewrite(key)
        case .maxTokens where query.rewriteBytes > 0:
            fault(index, key, .failed, "did not end a rewrite within its bound")
        case .scored:
            guard query.score, let score = ended.score, score.tokens == query.prompt.count else {
                return fault(index, key, .failed, "sent a score that was not asked for, or not this prompt's")
            }
            workers[index].health.succeed()
            finish(key, .scored, score: score, routed: ended.routed)
        case .endToken:
            workers[index].health.succeed()
            finish(key, .endToken, routed: ended.routed)
        case .maxTokens where query.tokens.count == query.maxTokens:
            workers[index].health.succeed()
            finish(key, .maxTokens, routed: ended.routed)
        case .maxTokens:
            fault(index, key, .failed, "said it was done after \(query.tokens.count) of \(query.maxTokens) tokens")
        case .refused: fault(index, key, .refused, "refused the work: \(ended.message)")
        case .withdrawn: fault(index, key, .failed, "gave the work back unasked")
        case .failed: fault(index, key, .failed, "failed: \(ended.message)")
        case .invalid:
            queries[key]?.endAttempt(.refused)
            fail(key, .invalidParameter, ended.message)
        case .expertMissing:
            // No other trunk would find it either.
            queries[key]?.endAttempt(.failed)
            fail(key, .workerLost, ended.message, retryAfterMilliseconds: configuration.busyRetryMilliseconds)
        }
        if !ended.kind.isAnswer {
            note(.warning, "worker \(name) ended an assignment as \(ended.kind): \(ended.message)")
        }
    }

    /// A worker contradicts what it or another said: the attempt is over, and the worker is told so.
    private mutating func blame(_ index: Int, place: Int, _ key: QueryKey, _ text: String) {
        note(.warning, "worker \(workers[index].name) \(text)")
        withdraw(index, place: place)
        fault(index, key, .failed, text)
        // It is passed over from now on, and was perhaps the last one that nobody passed over: then the others' free
        // places are good again, for every model it holds.
        dispatch(modelsOf: workers[index])
    }

    private mutating func fault(_ index: Int, _ key: QueryKey, _ trace: AttemptTrace.Outcome, _ text: String) {
        let name = workers[index].name
        workers[index].health.fail(configuration, at: now)
        reschedule(index)
        count(.workerFaults, worker: name)
        interrupt(key, Interruption(trace: trace, text: "worker \(name) \(text)", avoid: name))
    }
}

extension Ended.Kind {
    /// What was asked for is there.
    fileprivate var isAnswer: Bool {
        switch self {
        case .endToken, .maxTokens, .scored, .decided: true
        default: false
        }
    }
}

extension QueryRecord {
    /// What is wrong with these tokens as a continuation of those at hand, as the rest of a sentence about the worker.
    fileprivate func fault(of generated: Generated, vocabulary: Int, limits: RoutingLimits) -> String? {
        let (position, count) = (generated.position, generated.tokens.count)
        if score { return "sent tokens where a score was asked for" }
        if decides { return "sent tokens where a reading was asked for" }
        if position < 0 || position > tokens.count {
            return "sent position \(position) where \(tokens.count) is next"
        }
        if count > maxTokens - position { return "sent more than the \(maxTokens) tokens it was asked for" }
        if !generated.tokens.allSatisfy({ $0 >= 0 && Int($0) < vocabulary }) {
            return "sent a token id outside its vocabulary of \(vocabulary)"
        }
        if topLogprobs > 0 {
            if generated.logprobs.count != count {
                return "sent \(generated.logprobs.count) log probabilities for \(count) tokens"
            }
            if generated.logprobs.contains(where: { $0.top.count > limits.topLogprobsMax }) {
                return "sent more alternatives than were asked for"
            }
        }
        let known = min(tokens.count - position, count)
        if generated.tokens.prefix(known) != tokens[position..<position + known] {
            return "sent tokens that differ from those at hand, at position \(position)"
        }
        return nil
    }
}
