/// What the passing of time does.
extension RoutingStateMachine {
    mutating func fireTimers() {
        while let key = timers.popDue(at: now) {
            switch key {
            case .query(let key): look(at: key)
            case .worker(let name): lookAtWorker(name)
            case .congestion(let connection): retry(connection)
            case .retention: expireRetained()
            case .drain: endDraining()
            }
        }
    }

    /// A router that was itself stopped (a suspended machine, SIGSTOP) finds heartbeats and lease renewals of that
    /// time unread in its sockets. Holding the silence against the others would end every query; the router's own
    /// lateness is added to their time instead (the idea of Lifeguard's local health, arXiv:1707.00788). Deadlines are
    /// promises to clients and do not move.
    ///
    /// A timer may be set to a moment that has passed. It says nothing of a pause: that began at the earliest with the
    /// event before this one, at `previous`. So nobody's word moves past `now` either.
    mutating func forgiveOwnPause(since previous: Instant) {
        guard let due = timers.earliest else { return }
        let late = now.microseconds(since: max(due, previous))
        guard late > configuration.heartbeatMilliseconds * 1000 else { return }
        note(
            .warning, "the router itself stood still for \(late / 1000) ms; workers and leases get that much more time")
        for index in workers.records.indices {
            workers[index].forgive(microseconds: late)
            reschedule(index)
        }
        queries.updateAll { query in
            query.leaseUntil = query.leaseUntil.advanced(byMicroseconds: late)
            query.waitUntil = query.waitUntil?.advanced(byMicroseconds: late)
            if let until = query.walk?.until { query.walk?.until = until.advanced(byMicroseconds: late) }
        }
        congestion.forgive(microseconds: late)
    }

    /// A query's moment has come: the deadline first, it is the promise.
    private mutating func look(at key: QueryKey) {
        guard let query = queries[key] else { return }
        if key.isBranch, query.deadline <= now {
            // The query's deadline is the same, and the promise is about the query.
            look(at: key.root)
        } else if query.deadline <= now {
            fail(key, .deadlineExceeded, "the deadline passed; ask for more time or fewer tokens")
        } else if query.leaseUntil <= now {
            fail(key, .leaseExpired, "no lease renewal for \(configuration.leaseMilliseconds) ms; renew while waiting")
        } else if query.stageDeadline <= now {
            overstay(key)
        } else if let waitUntil = query.waitUntil, waitUntil <= now {
            failForLackOfWorkers(key)
        } else {
            timers.set(.query(key), to: query.nextMoment)
        }
    }

    private mutating func lookAtWorker(_ name: String) {
        guard let index = workers.index(of: name) else { return }
        if let cause = workers[index].lossCause(configuration, at: now) { return lose(index, cause) }
        if case .lost = workers[index].condition, workers[index].nextMoment(configuration, at: now) <= now {
            return workers.remove(name)
        }
        reschedule(index)
        // An ejection may have ended, or the last unsuspected worker become suspect: either opens a place.
        dispatch(modelsOf: workers[index])
    }

    /// A timer that is due already stays: it stands for a change (the end of an ejection, say) that opens places, and
    /// that `nextMoment` no longer tells of. It fires before the next event, and looks for the moment after it then.
    mutating func reschedule(_ index: Int) {
        let key = TimerKey.worker(workers[index].name)
        if let due = timers.moment(of: key), due <= now { return }
        timers.set(key, to: workers[index].nextMoment(configuration, at: now))
    }

    private mutating func expireRetained() {
        retention.expire(at: now)
        timers.set(.retention, to: retention.nextExpiry)
    }
}

/// Shutting down.
extension RoutingStateMachine {
    mutating func drain() {
        guard !isDraining else { return }
        isDraining = true
        note(.info, "draining: \(queries.count) queries may go on for \(configuration.drainMilliseconds) ms")
        timers.set(.drain, to: now.advanced(byMilliseconds: configuration.drainMilliseconds))
    }

    mutating func endDraining() {
        for key in queries.keys where !key.isBranch {
            fail(key, .draining, "the router is shutting down; ask again once it is back")
        }
    }
}
