/// From node to node: a query's stages, each a prompt and a model of its own.
extension RoutingStateMachine {
    var graph: NodeGraph { configuration.graph }

    /// A query goes to a node.
    mutating func visit(_ key: QueryKey, _ next: Walk.Candidate) {
        guard let walk = queries[key]?.walk, let node = graph.nodes[next.node] else { return }
        guard walk.steps < graph.stepsMax else {
            return fail(key, .refused, "the walk has taken \(walk.steps) steps, its bound, and no node has answered")
        }
        queries[key]?.walk?.enter(next, at: now)
        switch node.work {
        case .refusal(let message):
            queries[key]?.walk?.leave("refused", at: now)
            fail(key, .refused, message)
        case .master(let master):
            queries[key]?.walk?.master = node.name
            begin(.deciding, of: key, model: master.model) { $0.maxTokensAsked = 1 }
            prepare(key, .decision(master: node.name))
        case .model, .endpoint:
            if node.wantsRewrite, beginRewrite(key, for: node) { return }
            beginAnswer(key, at: node)
        }
    }

    /// Asks the shell to encode something of the query.
    private mutating func prepare(_ key: QueryKey, _ part: Preparation) {
        let ticket = nextTicket
        nextTicket += 1
        queries.setPhase(.preparing(ticket: ticket), of: key)
        queries[key].map { timers.set(.query(key), to: $0.nextMoment) }
        directives.append(.prepare(key, ticket: ticket, part))
    }

    /// A fresh start within the query: another model, nothing generated.
    private mutating func begin(
        _ stage: Walk.Stage, of key: QueryKey, model: String, _ change: (inout QueryRecord) -> Void
    ) {
        takeOut(key)
        queries[key]?.walk?.begin(stage)
        queries[key]?.beginStage(model: model)
        let bound = queries[key]?.walk?.host.flatMap { graph.nodes[$0]?.deadlineMilliseconds }
        let until = bound.map { now.advanced(byMilliseconds: $0) }
        queries[key]?.walk?.until = until
        queries.updateInPlace(key, change)
        queries[key].map { timers.set(.query(key), to: $0.nextMoment) }
    }

    private mutating func beginAnswer(_ key: QueryKey, at node: GraphNode) {
        let rewrite = queries[key].flatMap { query in
            query.walk?.stage == .rewriting && !query.tokens.isEmpty
                ? query.walk?.master.map { Preparation.Rewrite(master: $0, tokens: query.tokens) } : nil
        }
        var (model, route): (String, RouteOptions?) = (node.name, nil)
        if case .model(let name, let way) = node.work { (model, route) = (name, way) }
        begin(.answering, of: key, model: model) { query in
            query.resumeAsking()
            query.route = route ?? query.routeAsked
            if let most = node.maxTokens { query.maxTokensAsked = min(query.maxTokensAsked, most) }
            guard node.cascade != nil else { return }
            query.walk?.holds = true
            query.topLogprobs = max(1, query.topLogprobs)
        }
        prepare(key, .answer(node: node.name, rewrite: rewrite))
    }

    /// The master goes on from its decision: the prompt, the node's token, then the query in its words.
    private mutating func beginRewrite(_ key: QueryKey, for node: GraphNode) -> Bool {
        guard let query = queries[key], let walk = query.walk, walk.stage == .deciding, let name = walk.master,
            walk.trace.rewrite == nil, case .master(let master) = graph.nodes[name]?.work,
            let holding = readyHolding(master.model), let text = node.functionalToken,
            let row = holding.functionalTokens.firstIndex(of: text)
        else { return false }
        let token = Int32(clamping: holding.vocabulary - holding.functionalTokens.count + row)
        // Each token is at least one byte; four more bytes are the grammar's own.
        let tokensMax = master.rewriteBytesMax + 4
        let prompt = query.prompt + [token]
        guard prompt.count + tokensMax < holding.contextLength else { return false }
        begin(.rewriting, of: key, model: master.model) { query in
            query.maxTokensAsked = tokensMax
            query.rewriteBytes = master.rewriteBytesMax
        }
        queries.setPrompt(prompt, of: key)
        enqueue(key)
        return true
    }

    func readyHolding(_ model: String) -> ModelHolding? {
        workers.records.first { $0.condition == .ready && $0.holds(model) }?.holding(model)
    }

    /// The master has worded the query.
    mutating func finishRewrite(_ key: QueryKey) {
        queries[key]?.endAttempt(.finished)
        guard let walk = queries[key]?.walk, let node = graph.nodes[walk.node] else { return }
        beginAnswer(key, at: node)
    }

    /// The same node, in the client's own words.
    mutating func answerOriginal(_ key: QueryKey, at node: GraphNode) {
        queries[key]?.keep(0)
        beginAnswer(key, at: node)
    }

    /// Out of queues and off workers, so that another stage can begin.
    mutating func takeOut(_ key: QueryKey) {
        switch queries[key]?.phase {
        case .queued:
            guard let model = queries[key]?.model else { return }
            removeFromQueue(key, model: model, served: false)
            unblocked.insert(model)
        case .running: leaveWorker(key)
        case .calling(let ticket): directives.append(.hangUp(key, ticket: ticket))
        case .preparing, nil: break
        }
    }
}
