import Routing

/// Worker processes in this world.
extension World {
    private func isCurrent(_ index: Int, _ life: Int) -> Bool {
        workers[index].life == life && workers[index].isAlive
    }

    private func isFrozen(_ index: Int) -> Bool { workers[index].frozenUntil > now }

    mutating func startWorker(_ index: Int, _ life: Int) {
        guard workers[index].life == life, !workers[index].isAlive else { return }
        workers[index].isAlive = true
        let life = workers[index].life
        sayHello(index, life)
        plan(.loaded(index, life: life), in: 5_000 + chance.below(150_000))
        plan(.heartbeat(index, life: life), in: 500_000)
    }

    mutating func loadWorker(_ index: Int, _ life: Int) {
        guard isCurrent(index, life) else { return }
        workers[index].isLoaded = true
        sayHello(index, life)
    }

    mutating func sayHello(_ index: Int, _ life: Int) {
        guard isCurrent(index, life) else { return }
        if isFrozen(index) { return plan(.sayHello(index, life: life), in: 10_000) }
        sendToRouter(
            .hello(workers[index].hello(), from: WorkerConnection(routingID: workers[index].link.routingID)),
            from: .worker(index))
    }

    mutating func beat(_ index: Int, _ life: Int) {
        guard isCurrent(index, life) else { return }
        plan(.heartbeat(index, life: life), in: Int(workers[index].heartbeatMilliseconds) * 1000)
        guard !isFrozen(index) else { return }
        let worker = workers[index]
        let heartbeat = Heartbeat(
            incarnation: worker.incarnation, progress: worker.progress, inFlight: worker.running.count)
        sendToRouter(
            .heartbeat(heartbeat, from: WorkerConnection(routingID: worker.link.routingID)), from: .worker(index))
        settleStability(index)
    }

    /// A worker counts as stable two seconds after the last thing that went wrong with it.
    private mutating func settleStability(_ index: Int) {
        let worker = workers[index]
        let isFine =
            worker.isWelcome && worker.isLoaded && !worker.isDraining && worker.lie == nil && worker.stuckUntil <= now
            && worker.link.cutUntil <= now
        // While the router stands still it cannot learn that the worker is fine.
        guard isFine, worker.stableSince == nil, pausedUntil == nil else { return }
        guard now.microseconds(since: worker.troubledAt) > 2_000_000 else { return }
        workers[index].stableSince = now
    }

    mutating func trouble(_ index: Int, until: Instant? = nil) {
        workers[index].stableSince = nil
        workers[index].troubledAt = max(workers[index].troubledAt, until ?? now)
    }

    mutating func reachWorker(_ index: Int, _ generation: Int, _ message: WorkerMessage) {
        guard workers[index].link.generation == generation, workers[index].isAlive else { return }
        if isFrozen(index) { return workers[index].inbox.append(message) }
        take(message, index)
    }

    private mutating func take(_ message: WorkerMessage, _ index: Int) {
        switch message {
        case .welcome(let heartbeatMilliseconds):
            workers[index].heartbeatMilliseconds = heartbeatMilliseconds
            workers[index].isWelcome = true
        case .refused(let failure): takeRefusal(failure, index)
        case .assign(let assign):
            take(assign, index)
        case .withdraw(let id):
            if let place = workers[index].running.firstIndex(where: { $0.id == id }) {
                workers[index].running[place].isWithdrawn = true
                planStep(index)
            } else {
                // Most acknowledge also the withdrawal of work that never arrived or has ended.
                guard workers[index].acknowledgesUnknown else { return }
                sendToRouter(
                    .ended(
                        Ended(assignment: id, kind: .withdrawn),
                        from: WorkerConnection(routingID: workers[index].link.routingID)), from: .worker(index))
            }
        }
    }

    /// A worker without room refuses. That happens after its connection was troubled, and never otherwise.
    private mutating func take(_ assign: Assign, _ index: Int) {
        let worker = workers[index].name
        let room = min(workers[index].capacity, configuration.limits.capacityPerWorkerMax)
        guard workers[index].running.count < room else {
            referee.expect(
                workers[index].stableSince == nil, "P5: \(worker) is healthy and got more than its \(room) assignments")
            return sendToRouter(
                .ended(
                    Ended(assignment: assign.assignment, kind: .refused, message: "no room"),
                    from: WorkerConnection(routingID: workers[index].link.routingID)), from: .worker(index))
        }
        workers[index].take(assign, chance: &chance)
        planStep(index)
    }

    private mutating func takeRefusal(_ failure: Failure, _ index: Int) {
        guard !workers[index].isDraining else { return }
        trouble(index)
        workers[index].isWelcome = false
        if workers[index].dropsAllWhenRefused {
            for place in workers[index].running.indices { workers[index].running[place].isWithdrawn = true }
            planStep(index)
        }
        if failure.retryAfterMilliseconds > 0 {
            plan(
                .sayHello(index, life: workers[index].life),
                in: Int(failure.retryAfterMilliseconds) * 1000 + chance.below(5_000))
        } else {
            // Gives up; somebody fixes the build.
            kill(index, restartAs: "n1")
        }
    }

    private mutating func planStep(_ index: Int) {
        guard !workers[index].isStepPlanned, !workers[index].running.isEmpty else { return }
        workers[index].isStepPlanned = true
        plan(.step(index, life: workers[index].life), in: workers[index].stepMicroseconds)
    }

    mutating func stepWorker(_ index: Int, _ life: Int) {
        guard isCurrent(index, life) else { return }
        let halted = max(workers[index].frozenUntil, workers[index].stuckUntil)
        if halted > now { return agenda.plan(.step(index, life: life), at: halted) }
        workers[index].isStepPlanned = false
        checkWorkIsWanted(index)
        for event in workers[index].step(chance: &chance) { sendToRouter(event, from: .worker(index)) }
        planStep(index)
        if workers[index].isDraining, workers[index].running.isEmpty { kill(index, restartAs: nil) }
    }

    /// A healthy worker learns within a moment that nobody waits any more: two late messages and a busy engine step.
    private mutating func checkWorkIsWanted(_ index: Int) {
        guard workers[index].stableSince != nil, pausedUntil == nil else { return }
        for place in workers[index].running.indices {
            let id = workers[index].running[place].id
            guard let endedAt = referee.endOfQuery(behind: id), now.microseconds(since: endedAt) > 600_000 else {
                continue
            }
            referee.object("cancel: \(workers[index].name) still works on \(id.rawValue), whose query has ended")
        }
    }

    mutating func thaw(_ index: Int, _ life: Int) {
        guard isCurrent(index, life), !isFrozen(index) else { return }
        let inbox = workers[index].inbox
        workers[index].inbox = []
        for message in inbox where workers[index].isAlive { take(message, index) }
    }

    /// The process ends at once; its connection breaks, which somebody may or may not notice. It starts again later.
    mutating func kill(_ index: Int, restartAs numerics: String?) {
        trouble(index)
        let connection = WorkerConnection(routingID: workers[index].link.routingID)
        if chance.chance(perMille: 500) {
            plan(.toRouter(.workerDisconnected(connection)), in: 500 + chance.below(50_000))
        }
        workers[index].die()
        if let numerics { workers[index].numerics = numerics }
        let wait = isQuiet ? 10_000 : 50_000 + chance.below(1_500_000)
        plan(.startWorker(index, life: workers[index].life), in: wait)
    }
}

extension WorkerModel {
    fileprivate mutating func die() {
        isAlive = false
        isLoaded = false
        isWelcome = false
        isDraining = false
        isStepPlanned = false
        life += 1
        incarnation += 1
        running = []
        inbox = []
        lie = nil
        frozenUntil = Instant(microseconds: 0)
        stuckUntil = Instant(microseconds: 0)
        link.drop()
    }
}
