import Routing

/// The shell of this world: feeds events, carries directives out in order.
extension GraphWorld {
    mutating func feed(_ first: Event) {
        var events = [first]
        var done = 0
        while done < events.count, referee.violations.isEmpty {
            let event = events[done]
            done += 1
            if log.isOn { log.write(now, "→ \(Describing.line(event))") }
            let directives = machine.handle(event, at: now)
            steps += 1
            digest = SplitMix64.mix(digest ^ now.microseconds &+ UInt64(directives.count))
            noteAcceptance(event, directives)
            for directive in directives { carryOut(directive, &events) }
            referee.checkBounds(machine.census, limits: limits)
            if steps % (log.isOn ? 1 : 16) == 0 {
                for problem in machine.inconsistencies() { referee.object("tables: \(problem)") }
            }
        }
        guard let moment = machine.nextDeadline else { return }
        let late = options.sabotage == .lateTicks ? 400_000 : chance.below(2_000)
        let due = max(moment, now).advanced(byMicroseconds: UInt64(late))
        if let tickAt, tickAt <= due, tickAt > now { return }
        tickAt = due
        agenda.plan(.tick, at: due)
    }

    private mutating func noteAcceptance(_ event: Event, _ directives: [Directive]) {
        guard case .submitted(let submission) = event else { return }
        let isAccepted = directives.contains {
            if case .count(let count) = $0 { count.counter == .queriesAccepted } else { false }
        }
        guard isAccepted else { return }
        let milliseconds = min(submission.deadlineMilliseconds, graph.millisecondsMax)
        referee.accept(submission, steps: graph.stepsMax, deadline: now.advanced(byMilliseconds: milliseconds))
    }

    private mutating func carryOut(_ directive: Directive, _ events: inout [Event]) {
        if log.isOn { log.write(now, "  \(Describing.line(directive))") }
        switch directive {
        case .assign(let assign): take(assign)
        case .withdraw(let connection, let id):
            jobs[id] = nil
            let isHeard = workers.contains { $0.connection == connection && $0.isThere && $0.silentUntil <= now }
            guard isHeard else { return }
            plan(
                .event(.ended(Ended(assignment: id, kind: .withdrawn), from: connection)), in: 50 + chance.below(20_000)
            )
        case .prepare(let key, let ticket, let part): prepare(key, ticket, part)
        case .assemble(let key, let ticket, let parts, _): events.append(assemble(key, ticket, parts))
        case .call(let call):
            calls[call.ticket] = call
            plan(.call(call.ticket, sent: 0), in: 200 + chance.below(60_000))
        case .hangUp(_, let ticket): calls[ticket] = nil
        case .adopt(let key, let branch):
            referee.adopt(key, from: branch)
            for (id, job) in jobs where job.assign.query == branch { jobs[id]?.assign.query = key }
            for (ticket, call) in calls where call.query == branch { calls[ticket]?.query = key }
        case .revive(let key, let part): referee.texts[key] = part.tokens
        case .deliver(let delivery): deliver(delivery, &events)
        case .advance(let advance):
            if options.sabotage == .dropAdvance, chance.chance(perMille: 50) { return }
            referee.advance(shown(advance, &events))
        case .forget(let key):
            end(key)
            if options.sabotage == .duplicateEnding, chance.chance(perMille: 200) { end(key) }
        default: break
        }
    }

    private mutating func end(_ key: QueryKey) {
        let late = (referee[key.root]?.deadline ?? now).advanced(byMilliseconds: 4)
        referee.end(
            key, key.isBranch ? nil : machine.retained(key), at: now, late: late,
            reference: { node, _ in Self.answer(node, key.id.low) }, gathered: gathered[key])
    }

    /// A pipe that is full takes neither tokens nor endings.
    private mutating func isFull(_ key: QueryKey, _ position: Int, _ failure: Failure?, _ events: inout [Event]) -> Bool
    {
        guard let until = fullUntil[key.identity], until > now else { return false }
        let connection = ClientConnection(routingID: Array(key.identity.utf8))
        events.append(.congested(connection, query: key, position: position, failure: failure))
        return true
    }

    private mutating func shown(_ advance: Advance, _ events: inout [Event]) -> Advance {
        var advance = advance
        if advance.connection != nil, isFull(advance.query, advance.position, nil, &events) { advance.connection = nil }
        return advance
    }

    private mutating func deliver(_ delivery: Delivery, _ events: inout [Event]) {
        var (position, failure): (Int, Failure?) = (0, nil)
        switch delivery.message {
        case .accepted: break
        case .replay(let replay): position = replay.from
        case .final(let final): position = final.generatedTokens
        case .failure(let one): (position, failure) = (one.tokensSent, one)
        }
        if isFull(delivery.query, position, failure, &events) { return }
        referee.deliver(delivery)
    }

    // MARK: Preparing

    private mutating func prepare(_ key: QueryKey, _ ticket: UInt64, _ part: Preparation) {
        var node = "m0"
        switch part {
        case .query: break
        case .decision(let master): node = master
        case .answer(let name, let rewrite):
            node = name
            referee.visit(key, node: name, graph: graph)
            // Another node speaks: nothing has been said.
            referee.texts[key] = nil
            if rewrite != nil { referee.note("rewritten") }
        }
        let event: Event =
            chance.chance(perMille: 15)
            ? .preparationFailed(key, ticket: ticket, Failure(.promptTooLong, "too long"))
            : .prepared(key, ticket: ticket, promptTokens: Self.prompt(node, key.id.low))
        plan(.event(event), in: 20 + chance.below(8_000))
    }

    private mutating func assemble(_ key: QueryKey, _ ticket: UInt64, _ parts: [AnswerPart]) -> Event {
        for part in parts {
            let whole = Self.answer(part.node, key.id.low)
            referee.expect(
                whole.starts(with: part.tokens), "P4: \(key) gathers \(part.tokens) of \(part.node), who says \(whole)")
        }
        referee.note("gathered")
        let text = parts.flatMap(\.tokens)
        gathered[key] = text
        referee.texts[key] = nil
        return .assembled(key, ticket: ticket, bytes: text.map { UInt8(truncatingIfNeeded: $0) })
    }
}
