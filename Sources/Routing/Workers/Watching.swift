/// Workers that live, leave and are lost.
extension RoutingStateMachine {
    /// The worker behind a connection; somebody who is not registered is told so, and says Hello again.
    mutating func speaker(_ connection: WorkerConnection) -> Int? {
        if let index = workers.index(of: connection) { return index }
        count(.staleMessages)
        directives.append(
            .refuseWorker(
                connection,
                Failure(
                    .unknownWorker, "no worker is registered on this connection; say Hello again",
                    retryAfterMilliseconds: 1)))
        return nil
    }

    mutating func hear(_ heartbeat: Heartbeat, from connection: WorkerConnection) {
        guard let index = speaker(connection) else { return }
        guard workers[index].hello.incarnation == heartbeat.incarnation else { return count(.staleMessages) }
        let wasSuspect = workers[index].isSuspect(configuration, at: now)
        let moved = heartbeat.progress != workers[index].progress
        workers[index].progress = heartbeat.progress
        workers[index].residentBytes = heartbeat.residentBytes
        workers[index].hear(at: now)
        if moved { workers[index].advance(at: now) }
        let held = workers[index].assignments.count
        workers[index].release(reportedInFlight: heartbeat.inFlight, configuration, at: now)
        if case .lost(let cause, _) = workers[index].condition {
            // A stuck worker is back when its work moves, one that ignored us when it has let go of everything.
            let isBack =
                switch cause {
                case .stalled: moved
                case .unresponsive: workers[index].assignments.isEmpty
                default: true
                }
            if isBack { revive(index) }
        } else {
            reschedule(index)
            if wasSuspect || workers[index].assignments.count < held { dispatch(modelsOf: workers[index]) }
        }
    }

    /// The worker finishes what it has and takes nothing new. Its record stays until it falls silent, so that its
    /// last heartbeats are not mistaken for those of a stranger.
    mutating func sayGoodbye(incarnation: UInt64, reason: String, from connection: WorkerConnection) {
        guard let index = speaker(connection), workers[index].hello.incarnation == incarnation else { return }
        guard !workers[index].isLost else { return }
        workers[index].condition = .draining
        membershipIsStale = true
        workers[index].hear(at: now)
        note(.info, "worker \(workers[index].name) says goodbye")
        reconsider(modelsOf: workers[index])
    }

    /// Gives up on a worker: its queries go elsewhere. What it may still be doing stays written down (unless the
    /// process is gone), so that it gets no more than its capacity should it come back.
    mutating func lose(_ index: Int, _ cause: WorkerRecord.LossCause) {
        // A lost worker that is then disconnected loses its connection, nothing more.
        guard !workers[index].isLost else { return forgetConnection(index, cause) }
        membershipIsStale = true
        let wasDraining = workers[index].condition == .draining
        let interrupted = workers[index].assignments.compactMap(\.query)
        workers[index].condition = .lost(cause, at: now)
        workers[index].health.fail(configuration, at: now)
        forgetConnection(index, cause)
        for place in workers[index].assignments.indices { withdraw(index, place: place, isAlone: false) }
        let worker = workers[index]
        if wasDraining {
            workers.remove(worker.name)
            timers.cancel(.worker(worker.name))
        } else {
            reschedule(index)
        }
        reportLoss(of: worker, cause, wasDraining: wasDraining, interrupted: interrupted.count)
        let killed = cause.isDeath && !wasDraining
        let trace: AttemptTrace.Outcome = cause == .stalled ? .stalled : .workerLost
        for key in interrupted {
            interrupt(
                key, Interruption(trace: trace, text: "worker \(worker.name) \(cause.text)", killedWorker: killed))
        }
        reconsider(modelsOf: worker)
    }

    private mutating func forgetConnection(_ index: Int, _ cause: WorkerRecord.LossCause) {
        switch cause {
        case .disconnected, .reconnected: workers.disconnect(index)
        case .replaced:
            workers.disconnect(index)
            workers[index].assignments = []
        case .silent, .stalled, .unresponsive: break
        }
    }

    private mutating func reportLoss(
        of worker: WorkerRecord, _ cause: WorkerRecord.LossCause, wasDraining: Bool, interrupted: Int
    ) {
        guard !wasDraining || interrupted > 0 else { return note(.info, "worker \(worker.name) has left") }
        count(.workersLost, worker: worker.name)
        note(.warning, "lost worker \(worker.name): it \(cause.text); \(interrupted) queries were on it")
    }

    /// Takes an assignment back: what comes of it is stale from here on, and its place is free once acknowledged.
    mutating func withdraw(_ index: Int, place: Int, isAlone: Bool = true) {
        let id = workers[index].assignments[place].id
        workers[index].assignments[place].query = nil
        workers[index].assignments[place].outstandingTokens = 0
        workers[index].assignments[place].withdrawnAt = now
        if let connection = workers[index].connection { directives.append(.withdraw(connection, id)) }
        if isAlone { reschedule(index) }
    }
}

extension WorkerRecord.LossCause {
    /// Whether the worker's work may have been what ended it.
    fileprivate var isDeath: Bool {
        switch self {
        case .silent, .stalled, .disconnected, .replaced: true
        case .unresponsive, .reconnected: false
        }
    }
}
