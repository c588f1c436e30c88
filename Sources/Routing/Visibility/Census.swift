/// How large everything is that could grow. What a simulation checks against `RoutingLimits` at every step (P5).
package struct Census: Hashable, Sendable {
    package var liveQueries: Int
    /// What they have become where several nodes answer one of them.
    package var branches: Int
    /// Never dispatched: preparing and queued.
    package var waitingQueries: Int
    package var runningQueries: Int
    package var promptTokens: Int
    package var identities: Int
    package var retained: Int
    package var retainedBytes: Int
    package var workers: Int
    package var congestedConnections: Int
    package var timers: Int
}

extension RoutingStateMachine {
    package var census: Census {
        Census(
            liveQueries: queries.count, branches: queries.branches, waitingQueries: queries.shares.total.waiting,
            runningQueries: queries.shares.total.running, promptTokens: queries.promptTokens,
            identities: queries.shares.identityCount, retained: retention.count, retainedBytes: retention.byteCount,
            workers: workers.count, congestedConnections: congestion.count, timers: timers.count)
    }

    /// Places held on workers, withdrawn and not acknowledged ones included.
    package var heldAssignments: Int { workers.records.reduce(0) { $0 + $1.assignments.count } }

    /// The outcome and the tokens of an ended query, while it is retained.
    package func retained(_ key: QueryKey) -> (outcome: Outcome, tokens: [Int32])? {
        retention[key].map { ($0.outcome, $0.tokens) }
    }

    /// Where two tables disagree about one fact, in words; empty in a sound machine. Walks everything: for tests.
    package func inconsistencies() -> [String] {
        queryInconsistencies() + workerInconsistencies() + countInconsistencies() + idleness()
    }

    /// Queries that wait although they could run, or although nobody can ever take them.
    private func idleness() -> [String] {
        var problems: [String] = []
        for (model, queue) in queues {
            let next = queue.next(
                running: { queries.shares[$0].running },
                isPlaceable: { if case .worker = choose(for: $0) { true } else { false } })
            if let next { problems.append("\(next) waits for \(model) although a worker has room") }
            for key in queue.keys where choose(for: key) == .nobody && queries[key]?.waitUntil == nil {
                problems.append("\(key) waits for \(model), which nobody can serve")
            }
        }
        return problems
    }

    private func queryInconsistencies() -> [String] {
        var problems: [String] = []
        for key in queries.keys {
            guard let query = queries[key] else { continue }
            let isQueued = queues[query.model]?.keys.contains(key) ?? false
            if isQueued != (query.phase == .queued) { problems.append("\(key) is \(query.phase), queued: \(isQueued)") }
            if case .running(let worker, let id) = query.phase {
                let place = workers.index(of: worker).flatMap { at in
                    workers[at].index(of: id).map { workers[at].assignments[$0] }
                }
                if place?.query != key { problems.append("\(key) runs on \(worker), which does not know") }
                if workers.index(of: worker).map({ workers[$0].isLost }) ?? true {
                    problems.append("\(key) runs on \(worker), which is lost")
                }
            }
            problems += fanInconsistencies(query)
            guard let timer = timers.moment(of: .query(key)), timer <= query.nextMoment else {
                problems.append("\(key) has no timer for \(query.nextMoment)")
                continue
            }
        }
        return problems
    }

    /// A branch without its query would answer nobody.
    private func fanInconsistencies(_ query: QueryRecord) -> [String] {
        guard query.key.isBranch else {
            let isFanned = query.walk?.fan != nil
            return isFanned == (query.phase == .fanned) ? [] : ["\(query.key) is \(query.phase), fanned: \(isFanned)"]
        }
        let fan = queries[query.key.root]?.walk?.fan
        return fan?.isRunning(query.key) == true ? [] : ["\(query.key) is no branch of a query"]
    }

    private func workerInconsistencies() -> [String] {
        var problems: [String] = []
        for worker in workers.records {
            for place in worker.assignments {
                guard let key = place.query else { continue }
                if queries[key]?.phase != .running(worker: worker.name, assignment: place.id) {
                    problems.append("\(worker.name) works on \(key), which does not know")
                }
            }
            if timers.moment(of: .worker(worker.name)).map({ $0 > worker.nextMoment(configuration, at: now) }) ?? true {
                problems.append("\(worker.name) has no timer for \(worker.nextMoment(configuration, at: now))")
            }
        }
        return problems
    }

    private func countInconsistencies() -> [String] {
        let records = queries.unordered
        let counted = (
            live: records.count { !$0.key.isBranch }, waiting: records.count { !$0.key.isBranch && !$0.wasDispatched },
            running: records.count { $0.isRunning },
            tokens: records.reduce(0) { $0 + $1.prompt.count }
        )
        let inQueues = queues.values.reduce(0) { $0 + $1.count }
        let queued = records.count { $0.phase == .queued }
        if inQueues != queued { return ["\(inQueues) entries in the queues, \(queued) queries are queued"] }
        let total = queries.shares.total
        let kept = (live: total.live, waiting: total.waiting, running: total.running, tokens: queries.promptTokens)
        return counted == kept ? [] : ["counted \(counted), kept \(kept)"]
    }
}
