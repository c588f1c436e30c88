import Routing

/// What goes wrong.
extension World {
    mutating func strike() {
        guard !isQuiet, meanFaultGap > 0 else { return }
        plan(.fault, in: 1 + chance.below(2 * meanFaultGap))
        let index = chance.below(workers.count)
        let span = UInt64(chance.within(50...3_500))
        switch chance.below(100) {
        case ..<18: strikeDown(index)
        case ..<32: freeze(index, milliseconds: span)
        case ..<42: stick(index, milliseconds: span)
        case ..<58: corrupt(index, milliseconds: span)
        case ..<66: cut(.worker(index), milliseconds: span)
        case ..<74: dropWorkerLink(index)
        case ..<80: retire(index)
        case ..<84: upgrade(index)
        case ..<90: cut(.client(chance.below(clients.count)), milliseconds: span)
        case ..<95: reconnect(chance.below(clients.count))
        case ..<99: pauseRouter(milliseconds: span)
        default: drainRouter()
        }
    }

    private mutating func strikeDown(_ index: Int) {
        guard workers[index].isAlive else { return }
        log.write(now, "! kill \(workers[index].name)")
        kill(index, restartAs: nil)
    }

    private mutating func freeze(_ index: Int, milliseconds: UInt64) {
        guard workers[index].isAlive else { return }
        log.write(now, "! freeze \(workers[index].name) for \(milliseconds) ms")
        let until = now.advanced(byMilliseconds: milliseconds)
        workers[index].frozenUntil = max(workers[index].frozenUntil, until)
        trouble(index, until: workers[index].frozenUntil)
        agenda.plan(.thaw(index, life: workers[index].life), at: workers[index].frozenUntil)
    }

    private mutating func stick(_ index: Int, milliseconds: UInt64) {
        guard workers[index].isAlive else { return }
        log.write(now, "! the engine of \(workers[index].name) is stuck for \(milliseconds) ms")
        workers[index].stuckUntil = now.advanced(byMilliseconds: milliseconds)
        trouble(index, until: workers[index].stuckUntil)
    }

    private mutating func corrupt(_ index: Int, milliseconds: UInt64) {
        guard workers[index].isAlive else { return }
        workers[index].lie = workers[index].lie == nil ? chance.pick(Lie.allCases) : nil
        log.write(now, "! \(workers[index].name) lies: \(workers[index].lie.map { "\($0)" } ?? "no more")")
        trouble(index)
    }

    private mutating func cut(_ peer: Peer, milliseconds: UInt64) {
        log.write(now, "! cut \(peer) for \(milliseconds) ms")
        let until = now.advanced(byMilliseconds: milliseconds)
        switch peer {
        case .worker(let index):
            workers[index].link.cutUntil = max(workers[index].link.cutUntil, until)
            trouble(index, until: workers[index].link.cutUntil)
        case .client(let index):
            clients[index].link.cutUntil = max(clients[index].link.cutUntil, until)
            clients[index].isSound = false
        }
    }

    /// The connection breaks and comes back as another one. The worker does not notice: ZeroMQ reconnects silently.
    private mutating func dropWorkerLink(_ index: Int) {
        guard workers[index].isAlive else { return }
        log.write(now, "! drop the connection of \(workers[index].name)")
        let connection = WorkerConnection(routingID: workers[index].link.routingID)
        workers[index].link.drop()
        workers[index].isWelcome = false
        trouble(index)
        if chance.chance(perMille: 500) {
            plan(.toRouter(.workerDisconnected(connection)), in: 500 + chance.below(50_000))
        }
    }

    private mutating func retire(_ index: Int) {
        guard workers[index].isAlive, !workers[index].isDraining, workers[index].frozenUntil <= now else { return }
        log.write(now, "! \(workers[index].name) says goodbye")
        trouble(index)
        workers[index].isDraining = true
        let connection = WorkerConnection(routingID: workers[index].link.routingID)
        sendToRouter(
            .goodbye(incarnation: workers[index].incarnation, reason: "SIGTERM", from: connection),
            from: .worker(index))
        if workers[index].running.isEmpty { kill(index, restartAs: nil) }
    }

    private mutating func upgrade(_ index: Int) {
        log.write(now, "! \(workers[index].name) restarts with other numerics")
        kill(index, restartAs: workers[index].numerics == "n1" ? "n2" : "n1")
    }

    private mutating func pauseRouter(milliseconds: UInt64) {
        guard pausedUntil == nil else { return }
        let until = now.advanced(byMilliseconds: milliseconds)
        log.write(now, "! the router stands still for \(milliseconds) ms")
        pausedUntil = until
        lastPause = (now, until)
        agenda.plan(.routerResumes, at: until)
    }

    private mutating func drainRouter() {
        guard drainedBy == nil, pausedUntil == nil, chance.chance(perMille: 300) else { return }
        drainedBy = now.advanced(byMilliseconds: configuration.drainMilliseconds)
        reachRouter(.drain)
    }

    /// Everything heals; clients ask for nothing more.
    mutating func quiet() {
        isQuiet = true
        plan(.lookAround, in: 500_000)
        log.write(now, "! quiet")
        for index in workers.indices {
            workers[index].link.cutUntil = now
            workers[index].lie = nil
            workers[index].stuckUntil = now
            if workers[index].frozenUntil > now {
                workers[index].frozenUntil = now
                thaw(index, workers[index].life)
            }
            if workers[index].numerics != "n1" { kill(index, restartAs: "n1") }
        }
        for index in clients.indices {
            clients[index].link.cutUntil = now
            readAgain(index)
        }
    }

    /// Ends the simulation once the core is empty and sees every worker as ready, which it must within 12 s.
    mutating func lookAround() {
        plan(.lookAround, in: 200_000)
        let census = machine.census
        guard census.liveQueries == 0, census.retained == 0, census.congestedConnections == 0,
            machine.heldAssignments == 0
        else { return }
        isSettled =
            clients.allSatisfy { client in !client.isSound || client.pending.allSatisfy { $0.endings > 0 } }
            && machine.status(at: now).workers.count { $0.state == .ready } == workers.count
    }

    mutating func checkEnd() {
        referee.checkOverdue(latest: latestEnd, at: now)
        referee.checkDrained(machine.census, held: machine.heldAssignments)
        machine.inconsistencies().forEach { referee.object("tables: \($0)") }
        let states = Dictionary(
            uniqueKeysWithValues: machine.status(at: now).workers.map { ($0.name, $0.state) })
        for worker in workers where states[worker.name] != .ready {
            referee.object(
                "recovery: \(worker.name) is healthy, the router sees it as \(states[worker.name].map { "\($0)" } ?? "unknown")"
            )
        }
        checkClients()
        if drainedBy != nil { referee.expect(machine.isDrained, "drain: the router is not drained") }
    }

    /// Whoever did everything right got exactly one ending per query, and all of the answer.
    private mutating func checkClients() {
        for client in clients where client.isSound && (client.habit == .faithful || client.habit == .flooder) {
            for pending in client.pending {
                referee.expect(
                    pending.endings == 1,
                    "P2: \(pending.key)'s client, who did nothing wrong, got \(pending.endings) endings")
                guard case .answered(let final) = pending.outcome else { continue }
                referee.expect(
                    pending.received.count == final.generatedTokens,
                    "P2: \(pending.key)'s client got \(pending.received.count) of \(final.generatedTokens) tokens")
            }
        }
    }
}
