/// From node to node: a query's stages, each a prompt and a model of its own.
extension RoutingStateMachine {
    var graph: NodeGraph { configuration.graph }

    /// Visits that are left to a query and its branches.
    func stepsLeft(_ key: QueryKey) -> Int { graph.stepsMax - (queries[key.root]?.walk?.visits ?? 0) }

    func hasSteps(_ key: QueryKey) -> Bool { stepsLeft(key) > 0 }

    /// A query goes to a node.
    mutating func visit(_ key: QueryKey, _ next: Walk.Candidate) {
        guard let node = graph.nodes[next.node] else { return failForGoneNode(key, next.node) }
        guard hasSteps(key) else {
            return fail(
                key, .refused, "the walk has taken \(graph.stepsMax) steps, its bound, and no node has answered")
        }
        queries[key.root]?.walk?.visits += 1
        queries[key]?.walk?.enter(next, at: now)
        switch node.work {
        case .refusal(let message):
            queries[key]?.walk?.leave("refused", at: now)
            fail(key, .refused, message)
        case .master(let master):
            queries[key]?.walk?.master = node.name
            queries[key]?.walk?.author = node.name
            begin(.deciding, of: key, model: master.model) { $0.maxTokensAsked = 1 }
            prepare(key, .decision(master: node.name))
        case .model, .endpoint:
            if node.wantsRewrite, beginRewrite(key, for: node, next.because) { return }
            beginAnswer(key, at: node)
        }
    }

    mutating func failForGoneNode(_ key: QueryKey, _ name: String) {
        fail(key, .unknownNode, "node \(name) is gone since the graph was edited, or is not for you; ask again")
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
                ? query.walk?.author.map { Preparation.Rewrite(author: $0, tokens: query.tokens) } : nil
        }
        if mayHandOn(key, node) { return beginReading(key, node, rewrite) }
        var (model, route): (String, RouteOptions?) = (node.name, nil)
        if case .model(let name, let way) = node.work { (model, route) = (name, way) }
        beginAnswering(key, node, model, route)
        prepare(key, .answer(node: node.name, rewrite: rewrite))
    }

    private mutating func beginAnswering(_ key: QueryKey, _ node: GraphNode, _ model: String, _ route: RouteOptions?) {
        begin(.answering, of: key, model: model) { query in
            query.resumeAsking()
            query.route = route ?? query.routeAsked
            if let most = node.maxTokens { query.maxTokensAsked = min(query.maxTokensAsked, most) }
            guard node.cascade != nil else { return }
            query.walk?.holds = true
            query.topLogprobs = max(1, query.topLogprobs)
        }
    }

    /// A node with functional tokens of its own reads its prompt first: its answer may begin with a neighbour's.
    private mutating func beginReading(_ key: QueryKey, _ node: GraphNode, _ rewrite: Preparation.Rewrite?) {
        guard case .model(let model, _) = node.work else { return }
        begin(.deciding, of: key, model: model) { $0.maxTokensAsked = 1 }
        queries[key]?.walk?.author = node.name
        prepare(key, .answer(node: node.name, rewrite: rewrite))
    }

    /// It has read and answers itself: the prompt is the same, and so is the worker that has read it.
    mutating func answerAfterReading(_ key: QueryKey, at node: GraphNode) {
        guard case .model(let model, let route) = node.work else { return }
        let reader = queries[key]?.attempts.last?.worker
        beginAnswering(key, node, model, route)
        queries[key]?.prefersWorker = reader
        enqueue(key)
    }

    /// The master goes on from its decision: the prompt, the node's token, then the query in its words. Only where it has named the
    /// node: one that is down, or unsure, has no words for it.
    private mutating func beginRewrite(
        _ key: QueryKey, for node: GraphNode, _ because: WalkTrace.Because
    ) -> Bool {
        guard let query = queries[key], let walk = query.walk, walk.stage == .deciding,
            let author = walk.author.flatMap({ graph.nodes[$0]?.author }),
            // What was read of a branch's query before it became one is with its query.
            let source = query.prompt.isEmpty ? queries[key.root] : query,
            because == .chosen || because == .handed
                || (because == .stayed && (source.walk?.trace.mass ?? 0) >= author.massMin),
            let holding = readyHolding(author.model), let text = node.functionalToken,
            let row = holding.functionalTokens.firstIndex(of: text)
        else { return false }
        let token = Int32(clamping: holding.vocabulary - holding.functionalTokens.count + row)
        // Each token is at least one byte; four more bytes are the grammar's own.
        let tokensMax = author.rewriteBytesMax + 4
        let prompt = source.prompt + [token]
        guard prompt.count + tokensMax < holding.contextLength, boundProblem(of: prompt, for: query) == nil
        else { return false }
        begin(.rewriting, of: key, model: author.model) { query in
            query.maxTokensAsked = tokensMax
            query.rewriteBytes = author.rewriteBytesMax
            query.prefersWorker = source.attempts.last?.worker
        }
        queries.setPrompt(prompt, of: key)
        enqueue(key)
        return true
    }

    func readyHolding(_ model: String) -> ModelHolding? {
        workers.records.first { $0.condition == .ready && $0.holds(model) }?.holding(model)
    }

    /// The query has been worded for the node.
    mutating func finishRewrite(_ key: QueryKey) {
        queries[key]?.endAttempt(.finished)
        guard let walk = queries[key]?.walk else { return }
        guard let node = graph.nodes[walk.node], isAllowed(walk.node, key.identity) else {
            return failForGoneNode(key, walk.node)
        }
        beginAnswer(key, at: node)
    }

    /// The same node, in the client's own words.
    mutating func answerOriginal(_ key: QueryKey, at node: GraphNode, _ reason: String) {
        queries[key]?.walk?.note(RewriteNote(text: "", lost: ["(\(reason.prefix(240)))"], originalKept: true))
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
        case .preparing, .fanned, nil: break
        }
    }
}
