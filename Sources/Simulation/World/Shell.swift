import Routing

/// The router's shell in this world: feeds events, performs directives in order, reports what came of them before any
/// later event.
extension World {
    mutating func reachRouter(_ event: Event) {
        if pausedUntil != nil { return routerInbox.append(event) }
        feed(event)
    }

    mutating func feed(_ first: Event) {
        var events = [first]
        var done = 0
        while done < events.count, referee.violations.isEmpty {
            let event = events[done]
            done += 1
            if log.isOn { record("→ \(Describing.line(event))") }
            noteSpeaker(event)
            let directives = machine.handle(event, at: now)
            steps += 1
            digest = SplitMix64.mix(digest ^ now.microseconds &+ UInt64(directives.count))
            // An earlier query of the same id may end in the same breath, before the new one is accepted.
            let acceptance = directives.firstIndex(where: Self.isAcceptance) ?? 0
            for directive in directives[..<acceptance] { carryOut(directive, &events) }
            noteAfter(event, directives)
            for directive in directives[acceptance...] { carryOut(directive, &events) }
            referee.checkBounds(machine.census, peers: clients.count)
            if steps % (log.isOn ? 1 : 64) == 0 {
                checkTables()
            }
        }
        planTick()
    }

    private mutating func record(_ line: String) {
        log.write(now, line)
    }

    private mutating func planTick() {
        guard var moment = machine.nextDeadline else { return }
        let late = options.sabotage == .lateTicks ? 400_000 : chance.below(3_000)
        moment = max(moment, now).advanced(byMicroseconds: UInt64(late))
        if let tickAt, tickAt <= moment, tickAt > now { return }
        tickAt = moment
        agenda.plan(.tick, at: moment)
    }

    mutating func tick() {
        if tickAt.map({ $0 <= now }) ?? false { tickAt = nil }
        reachRouter(.tick)
    }

    mutating func resumeRouter() {
        guard pausedUntil.map({ $0 <= now }) ?? false else { return }
        pausedUntil = nil
        let events = routerInbox
        routerInbox = []
        for event in events { feed(event) }
        feed(.tick)
    }

    /// How late a query with this deadline may end: ticks are at most 3 ms late, unless the router stood still.
    func latestEnd(_ deadline: Instant) -> Instant {
        let usual = deadline.advanced(byMilliseconds: 5)
        guard let lastPause, lastPause.start <= usual else { return usual }
        return max(usual, lastPause.end.advanced(byMilliseconds: 5))
    }

    // MARK: What the referee learns

    /// What costs too much to look at after every event; a failing seed is run again looking every time.
    private mutating func checkTables() {
        machine.inconsistencies().forEach { referee.object("tables: \($0)") }
        if let drainedBy, now > latestEnd(drainedBy) {
            let count = machine.census.liveQueries
            referee.expect(machine.isDrained, "drain: \(count) queries live on after the drain's time")
        }
        let ready = machine.status(at: now).workers.filter { $0.state == .ready || $0.state == .suspect }
        for model in World.models {
            let numerics = Set(ready.filter { $0.models.contains(model) }.map(\.numerics))
            referee.expect(numerics.count <= 1, "P1: \(model) is served with numerics \(numerics.sorted())")
        }
    }

    private mutating func noteSpeaker(_ event: Event) {
        switch event {
        case .hello(_, let connection), .heartbeat(_, let connection), .generated(_, let connection),
            .goodbye(_, _, let connection),
            .ended(_, let connection):
            workers[Link.parse(connection.routingID).index].heardAt = now
        default: break
        }
    }

    private mutating func checkLoss(of name: String?) {
        guard let index = workers.firstIndex(where: { $0.name == name }) else { return }
        referee.expect(
            workers[index].stableSince == nil, "membership: \(workers[index].name) is healthy and was declared lost")
        checkSilence(index, "is lost")
    }

    /// At default settings a silent worker is lost after 1.5 s, neither later nor used until then.
    private mutating func checkSilence(_ index: Int, _ what: String) {
        if let lastPause, now < lastPause.end.advanced(byMilliseconds: 3000) { return }
        let (name, silence) = (workers[index].name, now.microseconds(since: workers[index].heardAt))
        referee.expect(silence <= 1_510_000, "membership: \(name) \(what) only after \(silence) µs of silence")
    }

    private static func isAcceptance(_ directive: Directive) -> Bool {
        if case .count(let count) = directive { count.counter == .queriesAccepted } else { false }
    }

    private mutating func noteAfter(_ event: Event, _ directives: [Directive]) {
        guard case .submitted(let submission) = event, let question = questions[submission.digest] else { return }
        let milliseconds = submission.deadlineMilliseconds
        for directive in directives {
            switch directive {
            case .count(let count) where count.counter == .queriesAccepted:
                referee.accept(
                    submission, question, deadline: now.advanced(byMilliseconds: milliseconds), at: now)
            case .count(let count) where count.counter == .queriesRefused:
                if count.failure == .busy { referee.checkBusy(submission, question, census: machine.census) }
                if count.failure == .noWorker, let name = healthyWorker(question, since: now, numerics: nil) {
                    referee.object("P4: \(submission.key) was refused as noWorker although \(name) is there")
                }
            default: break
            }
        }
    }

    func healthyWorker(_ question: Question, since moment: Instant, numerics: String?) -> String? {
        workers.first { worker in
            guard let since = worker.stableSince, since <= moment, worker.models.contains(question.model) else {
                return false
            }
            return numerics == nil || numerics == worker.numerics
        }?.name
    }

    // MARK: Directives

    private mutating func carryOut(_ directive: Directive, _ events: inout [Event]) {
        if log.isOn { record("  \(Describing.line(directive))") }
        switch directive {
        case .welcome(let connection, _, let heartbeat):
            sendToWorker(connection, .welcome(heartbeatMilliseconds: heartbeat), &events)
        case .refuseWorker(let connection, let failure): sendToWorker(connection, .refused(failure), &events)
        case .assign(let assign): carryOut(assign, &events)
        case .withdraw(let connection, let id):
            if options.sabotage == .dropWithdraw { return }
            sendToWorker(connection, .withdraw(id), &events)
        case .deliver(let delivery): carryOut(delivery, &events)
        case .advance(let advance): carryOut(advance, &events)
        case .prepare(let key, let ticket, _): encode(key, ticket)
        case .forget(let key):
            end(key)
            if options.sabotage == .duplicateEnding, chance.chance(perMille: 200) { end(key) }
        case .count(let count):
            if count.counter == .redispatches { redispatches += 1 }
            if count.counter == .workersLost { checkLoss(of: count.worker) }
        case .observe, .note, .tellMembership, .call, .hangUp, .assemble, .adopt, .revive: break
        }
    }

    private mutating func carryOut(_ assign: Assign, _ events: inout [Event]) {
        digest = SplitMix64.mix(digest ^ assign.assignment.rawValue &+ UInt64(assign.tokens.count))
        var assign = assign
        let index = Link.parse(assign.connection.routingID).index
        checkSilence(index, "gets work")
        referee.assign(assign, numerics: workers[index].numerics)
        if assign.generatedBefore > 0 {
            switch options.sabotage {
            case .shortenPrefix: assign.tokens.removeLast()
            case .changeSeed: assign.sampling.seed &+= 1
            default: break
            }
        }
        sendToWorker(assign.connection, .assign(assign), &events)
        if options.sabotage == .duplicateAssign { sendToWorker(assign.connection, .assign(assign), &events) }
    }

    private mutating func carryOut(_ delivery: Delivery, _ events: inout [Event]) {
        let key = delivery.query
        func send(_ body: ClientMessage.Body, position: Int) {
            sendToClient(delivery.connection, ClientMessage(key: key, body: body), position: position, &events)
        }
        switch delivery.message {
        case .accepted: send(.accepted, position: 0)
        case .replay(let replay):
            send(.tokens(position: replay.from, Array(replay.tokens.dropFirst(replay.from))), position: replay.from)
        case .final(let final):
            if options.sabotage == .dropEnding, chance.chance(perMille: 50) { return }
            send(.ended(.answered(final)), position: final.generatedTokens)
        case .failure(let failure): send(.ended(.failed(failure)), position: failure.tokensSent)
        }
    }

    private mutating func carryOut(_ advance: Advance, _ events: inout [Event]) {
        if options.sabotage == .dropAdvance, chance.chance(perMille: 20) { return }
        digest = SplitMix64.mix(digest ^ UInt64(advance.position) &+ UInt64(advance.tokens.count))
        guard referee.advance(advance), let watch = referee[advance.query] else { return }
        var tokens = advance.tokens
        if let stop = watch.question.stopToken, let place = tokens.firstIndex(of: stop) {
            tokens = Array(tokens[...place])
            events.append(.stopped(advance.query, keepTokens: advance.position + place + 1))
        }
        guard let connection = advance.connection else { return }
        sendToClient(
            connection, ClientMessage(key: advance.query, body: .tokens(position: advance.position, tokens)),
            position: advance.position, &events)
    }

    private mutating func encode(_ key: QueryKey, _ ticket: UInt64) {
        guard let watch = referee[key] else { return }
        let event: Event =
            chance.chance(perMille: 20)
            ? .preparationFailed(key, ticket: ticket, Failure(.invalidParameter, "cannot be encoded"))
            : .prepared(key, ticket: ticket, promptTokens: watch.question.prompt)
        plan(.toRouter(event), in: 100 + chance.below(20_000))
    }

    private mutating func end(_ key: QueryKey) {
        guard let watch = referee[key] else { return referee.object("P2: \(key) ended and was never accepted") }
        let outcome = referee.end(key, machine.retained(key), at: now, latest: latestEnd(watch.deadline))
        guard let outcome else { return }
        let (question, since, numerics) = (
            watch.question, watch.acceptedAt, watch.decoded.isEmpty ? nil : watch.numerics
        )
        let healthy = healthyWorker(question, since: since, numerics: numerics)
        referee.checkLoss(key, outcome) { _ in healthy }
    }

    // MARK: Sockets

    private mutating func sendToWorker(
        _ connection: WorkerConnection, _ message: WorkerMessage, _ events: inout [Event]
    ) {
        let (index, generation) = Link.parse(connection.routingID)
        guard workers[index].link.generation == generation, workers[index].isAlive else {
            // ROUTER_MANDATORY tells once libzmq has noticed, which takes it a moment or two.
            if chance.chance(perMille: 500) { events.append(.workerDisconnected(connection)) }
            return
        }
        let late = delay()
        let moment = workers[index].link.arrival(toRouter: false, at: now, delayMicroseconds: late)
        agenda.plan(.atWorker(index, generation: generation, message), at: moment)
    }

    private mutating func sendToClient(
        _ connection: ClientConnection, _ message: ClientMessage, position: Int, _ events: inout [Event]
    ) {
        let (index, generation) = Link.parse(connection.routingID)
        guard clients[index].link.generation == generation else {
            return events.append(.undeliverable(connection))
        }
        guard !clients[index].isFull else {
            clients[index].wasCongested = true
            var failure: Failure?
            if case .ended(.failed(let one)) = message.body { failure = one }
            return events.append(.congested(connection, query: message.key, position: position, failure: failure))
        }
        clients[index].inPipe += 1
        let late = delay()
        let moment = clients[index].link.arrival(toRouter: false, at: now, delayMicroseconds: late)
        agenda.plan(.atClient(index, generation: generation, message), at: moment)
    }

    mutating func sendToRouter(_ event: Event, from peer: Peer) {
        let late = delay()
        let (moment, generation): (Instant, Int)
        switch peer {
        case .worker(let index):
            moment = workers[index].link.arrival(toRouter: true, at: now, delayMicroseconds: late)
            generation = workers[index].link.generation
        case .client(let index):
            moment = clients[index].link.arrival(toRouter: true, at: now, delayMicroseconds: late)
            generation = clients[index].link.generation
        }
        agenda.plan(.atRouter(peer, generation: generation, event), at: moment)
    }
}
