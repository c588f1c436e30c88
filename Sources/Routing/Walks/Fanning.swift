/// Several nodes are asked at once: the walk divides into branches, and one answer comes of them.
extension RoutingStateMachine {
    /// - Parameter chosen: at least two, the likeliest first.
    mutating func fanOut(_ key: QueryKey, to chosen: [Walk.Candidate], _ how: Reassembly) {
        takeOut(key)
        queries[key]?.walk?.begin(.answering)
        queries[key]?.walk?.until = nil
        queries[key]?.walk?.fan = Fan(how, branches: chosen.count)
        queries[key].map { queries[key]?.beginStage(model: $0.model) }
        queries.setPhase(.fanned, of: key)
        guard let query = queries[key], let walk = query.walk else { return }
        timers.set(.query(key), to: query.nextMoment)
        for (place, candidate) in chosen.enumerated() {
            let way = Walk(candidate, of: walk, isPart: how != .first, at: now)
            let moment = now
            queries.insert { QueryRecord(place, of: query, way, order: $0, at: moment) }
            timers.set(.query(key.branch(place)), to: query.deadline)
        }
        for (place, candidate) in chosen.enumerated() where queries[key.branch(place)]?.phase == .fanned {
            visit(key.branch(place), candidate)
        }
    }

    /// What generates is of use: where the first of several nodes is to answer, this branch becomes its query, and the others end.
    ///
    /// - Returns: the query that the tokens belong to from now on.
    mutating func adopt(_ key: QueryKey) -> QueryKey {
        guard key.isBranch, queries[key]?.walk?.hides == false else { return key }
        return takeOver(key)
    }

    /// A branch's answer is the query's: the first byte of several nodes, or an end without one.
    mutating func takeOver(_ key: QueryKey) -> QueryKey {
        let root = key.root
        guard let winner = queries[key], let way = winner.walk, queries[root]?.walk?.fan != nil else { return key }
        // The others first: the winner's attempt is to stay the last.
        endFan(root, "another node was first", but: key)
        timers.cancel(.query(key))
        _ = queries.remove(key)
        queries[root]?.take(stageOf: winner)
        queries[root]?.add(attemptsOf: winner)
        let before = (queries[root]?.attempts.count ?? 0) - winner.stageAttempts
        queries[root]?.attemptsBefore = before
        queries[root]?.held = winner.held
        queries[root]?.workersKilled = winner.workersKilled
        queries[root]?.walk?.take(way, at: Int(key.branch) - 1)
        queries.setPrompt(winner.prompt, of: root)
        queries.setPhase(winner.phase, of: root)
        if case .running(let name, let assignment) = winner.phase, let index = workers.index(of: name),
            let place = workers[index].index(of: assignment)
        {
            workers[index].assignments[place].query = root
        }
        queries[root].map { timers.set(.query(root), to: $0.nextMoment) }
        directives.append(.adopt(root, from: key))
        return root
    }

    /// A branch has come to its end, which no client hears of.
    mutating func concludeBranch(_ key: QueryKey, _ outcome: Outcome) {
        let (root, place) = (key.root, Int(key.branch) - 1)
        guard let branch = dropBranch(key), let walk = branch.walk else { return }
        let result: Fan.Result =
            switch outcome {
            case .answered: .answered(AnswerPart(node: walk.trace.node, tokens: branch.tokens))
            case .failed(let failure): .failed(failure)
            }
        queries[root]?.walk?.fan?.end(place, result, walk)
        queries[root]?.note(missing: branch.missing)
        queries[root]?.note(relocated: branch.relocated)
        if queries[root]?.walk?.fan?.isOver == true { gather(root) }
    }

    /// All have ended: what they said is put together, or another node is tried, or nobody is left.
    private mutating func gather(_ key: QueryKey) {
        guard let fan = queries[key]?.walk?.fan else { return }
        endFan(key, "")
        if !fan.parts.isEmpty { return assemble(key, fan) }
        let failures = fan.failures
        let failure = failures.first(where: \.kind.leavesOtherWays) ?? failures.first
        guard let failure else { return }
        if failure.kind.leavesOtherWays, let query = queries[key], let walk = query.walk, now < query.deadline,
            let next = otherWay(query, walk, from: fan.waysGone.compactMap { graph.nodes[$0.node] })
        {
            return turn(key, to: next)
        }
        fail(key, failure)
    }

    /// The branches are over, those that run too; their steps are the query's.
    mutating func endFan(_ key: QueryKey, _ reason: String, but winner: QueryKey? = nil) {
        guard var fan = queries[key]?.walk?.fan else { return }
        for place in fan.places where fan.isRunning(key.branch(place)) {
            guard let walk = queries[key.branch(place)]?.walk else { continue }
            var way = walk
            if key.branch(place) != winner {
                way.leave(reason, at: now)
                _ = dropBranch(key.branch(place))
            }
            fan.end(place, .failed(Failure(.cancelled, reason)), way)
        }
        queries[key]?.walk?.fan = nil
        queries[key]?.walk?.join(fan.waysGone)
        // Until something begins, what the shell reports of it is stale.
        let ticket = nextTicket
        nextTicket += 1
        queries.setPhase(.preparing(ticket: ticket), of: key)
    }

    private mutating func dropBranch(_ key: QueryKey) -> QueryRecord? {
        takeOut(key)
        queries[key]?.endAttempt(.withdrawn)
        guard let branch = queries.remove(key) else { return nil }
        timers.cancel(.query(key))
        queries[key.root]?.add(attemptsOf: branch)
        directives.append(.forget(key))
        return branch
    }
}
