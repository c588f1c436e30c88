import Deciding
import Routing

/// Clients, workers and servers of this world.
extension GraphWorld {
    mutating func submit() {
        guard !isQuiet else { return }
        plan(.submit, in: 5_000 + chance.below(120_000))
        let identity = chance.pick(RandomGraph.identities)
        let key = QueryKey(identity: identity, id: QueryID(high: 9, low: nextID))
        nextID += 1
        feed(
            .submitted(
                Submission(
                    key: key, connection: ClientConnection(routingID: Array(identity.utf8)),
                    digest: BodyDigest(bytes: [UInt8(truncatingIfNeeded: nextID)]), node: "m0", model: "m0",
                    prompt: .encoding, sampling: Sampling(seed: nextID), maxTokens: chance.within(1...8),
                    deadlineMilliseconds: UInt64(chance.within(20...3000)), walks: true,
                    currentNode: chance.chance(perMille: 300) ? chance.pick(RandomGraph.answering) : nil)))
        guard chance.chance(perMille: 80) else { return }
        referee.unsound(key)
        let cancel = Event.cancelled(key, from: ClientConnection(routingID: Array(identity.utf8)))
        plan(.event(cancel), in: chance.below(300_000))
    }

    mutating func renew() {
        plan(.renewals, in: 500_000)
        for identity in RandomGraph.identities {
            let ids = referee.watches.filter { $0.key.identity == identity && $0.value.isLive }.map(\.key.id)
                .sorted { $0.low < $1.low }
            guard !ids.isEmpty else { continue }
            feed(
                .leasesRenewed(
                    identity: identity, ids: ids, from: ClientConnection(routingID: Array(identity.utf8))))
        }
    }

    // MARK: Workers

    mutating func wake(_ index: Int) {
        guard !workers[index].isThere else { return }
        workers[index].isThere = true
        workers[index].incarnation += 1
        workers[index].silentUntil = now
        let worker = workers[index]
        let holdings = worker.models.map { name in
            ModelHolding(
                model: name, sha256: name, contextLength: 60, vocabulary: 300,
                functionalTokens: name.hasPrefix("master:") ? RandomGraph.tokens : [])
        }
        feed(
            .hello(
                Hello(
                    worker: worker.name, incarnation: worker.incarnation, numerics: "n", models: holdings, capacity: 4,
                    ready: true), from: worker.connection))
    }

    mutating func beat() {
        plan(.heartbeats, in: 400_000)
        for worker in workers where worker.isThere && worker.silentUntil <= now {
            feed(
                .heartbeat(
                    Heartbeat(incarnation: worker.incarnation, progress: now.microseconds), from: worker.connection))
        }
    }

    mutating func take(_ assign: Assign) {
        guard let index = workers.firstIndex(where: { $0.connection == assign.connection && $0.isThere }) else {
            return
        }
        referee.expect(
            referee[assign.query.root]?.isLive == true, "P2: \(assign.query) is assigned, and is not live")
        jobs[assign.assignment] = Job(assign: assign, worker: index, incarnation: workers[index].incarnation)
        plan(.work(assign.assignment), in: 200 + chance.below(40_000))
    }

    mutating func work(_ id: AssignmentID) {
        guard let job = jobs[id] else { return }
        let worker = workers[job.worker]
        guard worker.isThere, worker.incarnation == job.incarnation else { return jobs[id] = nil }
        if worker.silentUntil > now { return agenda.plan(.work(id), at: worker.silentUntil) }
        let assign = job.assign
        if chance.chance(perMille: 25) { return finish(id, .failed) }
        if assign.decide {
            let logits = RandomGraph.tokens.map { _ in Float(chance.below(5)) }
            let reading = MasterReading(logits: logits, mass: chance.chance(perMille: 100) ? 0.2 : 0.9)
            return finish(id, .decided, reading)
        }
        let whole = assign.rewriteBytes > 0 ? [40, 41] : answer(of: assign)
        let goal = min(whole.count, assign.maxTokens)
        let position = assign.generatedBefore + job.sent
        guard position < goal else { return finish(id, goal == assign.maxTokens ? .maxTokens : .endToken) }
        let logprob = TokenLogprobs(logprob: Self.confidence(node(of: assign), assign.query.id.low))
        jobs[id]?.sent += 1
        plan(.work(id), in: 200 + chance.below(30_000))
        feed(
            .generated(
                Generated(
                    assignment: id, position: position, tokens: [whole[position]],
                    logprobs: assign.topLogprobs > 0 ? [logprob] : []), from: worker.connection))
    }

    private mutating func finish(_ id: AssignmentID, _ kind: Ended.Kind, _ reading: MasterReading? = nil) {
        guard let job = jobs.removeValue(forKey: id) else { return }
        feed(.ended(Ended(assignment: id, kind: kind, reading: reading), from: workers[job.worker].connection))
    }

    private func node(of assign: Assign) -> String { RandomGraph.answering[Int(assign.tokens[0]) % 6] }

    private func answer(of assign: Assign) -> [Int32] { Self.answer(node(of: assign), assign.query.id.low) }

    // MARK: Servers outside the cluster

    mutating func speak(_ ticket: UInt64, _ sent: Int) {
        guard let call = calls[ticket] else { return }
        let whole = Self.answer(call.node, call.query.id.low)
        switch chance.below(100) {
        case ..<4: return  // Hangs: the node's time, or the query's, ends it.
        case ..<9:
            calls[ticket] = nil
            let retry = chance.chance(perMille: 300) ? UInt64(200) : 0
            return feed(
                .callEnded(
                    call.query, ticket: ticket, .failed(message: "status 500", retryAfterMilliseconds: retry)))
        default: break
        }
        guard sent < whole.count else {
            calls[ticket] = nil
            return feed(.callEnded(call.query, ticket: ticket, .finished(.endToken)))
        }
        let count = min(chance.within(1...3), whole.count - sent)
        plan(.call(ticket, sent: sent + count), in: 200 + chance.below(20_000))
        feed(
            .called(
                call.query, ticket: ticket,
                bytes: whole[sent..<sent + count].map { UInt8(truncatingIfNeeded: $0) }))
    }

    // MARK: What goes wrong

    mutating func strike() {
        guard !isQuiet else { return }
        plan(.fault, in: 20_000 + chance.below(500_000))
        let index = chance.below(workers.count)
        let identity = chance.pick(RandomGraph.identities)
        switch chance.below(10) {
        case ..<4: fell(index)
        case ..<6: workers[index].silentUntil = now.advanced(byMilliseconds: UInt64(chance.within(50...2500)))
        case 6: fullUntil[identity] = now.advanced(byMilliseconds: UInt64(chance.within(10...400)))
        case 7: detach(identity)
        default: edit()
        }
    }

    private mutating func fell(_ index: Int) {
        guard workers[index].isThere else { return }
        let connection = workers[index].connection
        workers[index].isThere = false
        for (id, job) in jobs where job.worker == index { jobs[id] = nil }
        plan(.wake(index), in: 50_000 + chance.below(800_000))
        feed(.workerDisconnected(connection))
    }

    private mutating func detach(_ identity: String) {
        for key in referee.watches.keys where key.identity == identity { referee.unsound(key) }
        feed(.undeliverable(ClientConnection(routingID: Array(identity.utf8))))
    }

    private mutating func edit() {
        var edited = RandomGraph.make(&chance)
        // Nodes come and go; the entry stays.
        for name in RandomGraph.answering where chance.chance(perMille: 150) { edited.nodes[name] = nil }
        referee.allow(steps: edited.stepsMax)
        referee.note("edited")
        // Timers that are due fire before the edit is taken in: what they send somewhere goes by the graph before it.
        feed(.graphChanged(edited))
        graph = edited
    }
}
