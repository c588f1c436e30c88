/// Letting queries in.
extension RoutingStateMachine {
    mutating func submit(_ submission: Submission) {
        if attach(submission) { return }
        if let failure = refusal(of: submission) {
            count(.queriesRefused, model: submission.model, failure: failure.kind)
            return refuse(submission.key, failure, to: submission.connection)
        }
        accept(submission)
    }

    private mutating func accept(_ submission: Submission) {
        let milliseconds =
            submission.deadlineMilliseconds == 0
            ? configuration.defaultDeadlineMilliseconds : submission.deadlineMilliseconds
        // A walk's nodes have their bounds each, stage by stage.
        let bound: UInt64? =
            submission.walks ? graph.millisecondsMax : graph.nodes[submission.node]?.deadlineMilliseconds
        let deadline = now.advanced(byMilliseconds: min(milliseconds, bound ?? milliseconds))
        let lease = now.advanced(byMilliseconds: configuration.leaseMilliseconds)
        let ticket = nextTicket
        nextTicket += 1
        queries.insert { order in
            QueryRecord(
                submission, order: order, phase: .preparing(ticket: ticket), deadline: deadline, leaseUntil: lease,
                at: now)
        }
        timers.set(.query(submission.key), to: min(deadline, lease))
        count(.queriesAccepted, model: submission.model)
        if submission.walks { return visit(submission.key, .init(node: submission.node, because: .asked)) }
        switch submission.prompt {
        case .tokens(let prompt): finishPreparing(submission.key, ticket: ticket, prompt: prompt)
        case .encoding: directives.append(.prepare(submission.key, ticket: ticket))
        }
    }

    mutating func finishPreparing(_ key: QueryKey, ticket: UInt64, prompt: [Int32], rewrite: RewriteNote? = nil) {
        guard let query = queries[key], query.phase == .preparing(ticket: ticket) else { return }
        if let rewrite { queries[key]?.walk?.note(rewrite) }
        let isCall = calls(query)
        // A server outside the cluster has a vocabulary of its own; the bounds are the same.
        let problem = isCall ? boundProblem(of: prompt, for: query) : problem(of: prompt, for: query.model, query)
        if let problem { return fail(key, problem) }
        queries.setPrompt(prompt, of: key)
        count(.tokensIn, by: prompt.count, model: query.model)
        if !query.wasAccepted { sendAccepted(key) }
        queries[key]?.wasAccepted = true
        if isCall { call(key) } else { enqueue(key) }
    }

    mutating func failPreparing(_ key: QueryKey, ticket: UInt64, failure: Failure) {
        guard queries[key]?.phase == .preparing(ticket: ticket) else { return }
        fail(key, failure)
    }
}

/// Refusing at once, in the order in which a sender can do something about it.
extension RoutingStateMachine {
    private func refusal(of submission: Submission) -> Failure? {
        if isDraining { return Failure(.draining, "the router is shutting down; ask again once it is back") }
        if let problem = parameterProblem(of: submission) { return Failure(.invalidParameter, problem) }
        if case .tokens(let prompt) = submission.prompt, let failure = problem(of: prompt, for: submission.model) {
            return failure
        }
        guard queries.shares.admits(submission.key.identity, limits: limits) else {
            let (total, own) = (queries.shares.total, queries.shares[submission.key.identity])
            return Failure(
                .busy,
                "\(total.waiting) queries wait and \(total.running) run, \(own.live) of them of your key or user, "
                    + "which may hold no more than are left free; try again in a moment",
                retryAfterMilliseconds: configuration.busyRetryMilliseconds)
        }
        if !submission.walks, configuration.waitForWorkerMilliseconds == 0, !hasReadyWorker(submission.model) {
            return Failure(
                .noWorker, "no ready worker holds \(submission.model); see skein status",
                retryAfterMilliseconds: configuration.busyRetryMilliseconds)
        }
        return nil
    }

    private func parameterProblem(of submission: Submission) -> String? {
        if let problem = submission.sampling.problem { return problem }
        if !(1...limits.generatedTokensMax).contains(submission.maxTokens) {
            return "max_tokens is \(submission.maxTokens); it must lie in 1...\(limits.generatedTokensMax)"
        }
        if !(0...limits.topLogprobsMax).contains(submission.topLogprobs) {
            return "top_logprobs is \(submission.topLogprobs); it must lie in 0...\(limits.topLogprobsMax)"
        }
        if submission.deadlineMilliseconds > limits.deadlineMillisecondsMax {
            return "the deadline is \(submission.deadlineMilliseconds) ms away; at most "
                + "\(limits.deadlineMillisecondsMax) ms are allowed"
        }
        let names = [submission.key.identity, submission.node, submission.model]
        if names.contains(where: { $0.utf8.count > limits.nameBytesMax }) {
            return "a name is longer than \(limits.nameBytesMax) bytes"
        }
        return nil
    }

    /// - Parameter query: whose prompt it becomes, where there is one.
    private func problem(of prompt: [Int32], for model: String, _ query: QueryRecord? = nil) -> Failure? {
        guard let smallest = prompt.min(), let largest = prompt.max() else {
            return Failure(.emptyPrompt, "the prompt has no tokens")
        }
        // The context first: it is the smaller bound as a rule, and the one that a sender can act on.
        let holdings = workers.records.filter { !$0.isLost }.compactMap { $0.holding(model) }
        if let context = holdings.map(\.contextLength).max(), prompt.count >= context {
            return Failure(
                .promptTooLong,
                "the prompt has \(prompt.count) tokens and \(model) a context of \(context), the answer included")
        }
        if smallest < 0 { return Failure(.invalidParameter, "the prompt holds the negative token id \(smallest)") }
        if let vocabulary = holdings.map(\.vocabulary).max(), Int(largest) >= vocabulary {
            return Failure(
                .invalidParameter,
                "the prompt holds token id \(largest) and \(model) has a vocabulary of \(vocabulary)")
        }
        return boundProblem(of: prompt, for: query)
    }

    /// Whether the prompt is too long, alone or together with those at hand.
    func boundProblem(of prompt: [Int32], for query: QueryRecord?) -> Failure? {
        guard prompt.count <= limits.promptTokensMax else {
            return Failure(
                .promptTooLong, "the prompt has \(prompt.count) tokens; at most \(limits.promptTokensMax) are allowed")
        }
        let others = queries.promptTokens - (query?.prompt.count ?? 0)
        guard others + prompt.count <= limits.promptTokensTotalMax else {
            return Failure(
                .busy, "the queries at hand hold \(others) prompt tokens; try again in a moment",
                retryAfterMilliseconds: configuration.busyRetryMilliseconds)
        }
        return nil
    }

    private func hasReadyWorker(_ model: String) -> Bool {
        workers.hasAny { $0.condition == .ready && $0.holds(model) }
    }
}
