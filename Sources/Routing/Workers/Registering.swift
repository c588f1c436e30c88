/// Workers that come.
extension RoutingStateMachine {
    mutating func register(_ hello: Hello, from connection: WorkerConnection) {
        if let failure = refusal(of: hello, from: connection) {
            count(.workersRefused, worker: hello.worker, failure: failure.kind)
            note(.warning, "refused worker \(hello.worker): \(failure.message)")
            directives.append(.refuseWorker(connection, failure))
            return
        }
        let before = workers.index(of: hello.worker).map { workers[$0] }
        if let index = workers.index(of: hello.worker), workers[index].hello.incarnation == hello.incarnation {
            renew(index, hello, from: connection)
        } else {
            admit(hello, from: connection)
        }
        directives.append(
            .welcome(
                connection, incarnation: hello.incarnation,
                heartbeatMilliseconds: configuration.heartbeatMilliseconds))
        guard let index = workers.index(of: hello.worker) else { return }
        membershipIsStale = true
        tellMembership(to: index)
        reschedule(index)
        // A model that it no longer brings leaves queries without a worker.
        if let before, before.hello.models != hello.models { reconsider(modelsOf: before) }
        reconsider(modelsOf: workers[index])
    }

    /// A process that was not known. An earlier start of it is lost with all its work; how it fared is remembered, so
    /// that a worker in a crash loop is avoided.
    private mutating func admit(_ hello: Hello, from connection: WorkerConnection) {
        var health = WorkerHealth()
        if let index = workers.index(of: hello.worker) {
            if !workers[index].isLost { lose(index, .replaced) }
            // A loss of a draining worker removes it.
            if let index = workers.index(of: hello.worker) { health = workers[index].health }
        }
        makeRoomForWorker(hello.worker)
        var record = WorkerRecord(
            name: hello.worker, hello: hello, connection: connection, condition: hello.ready ? .ready : .loading,
            capacity: min(hello.capacity, limits.capacityPerWorkerMax), lastHeard: now, progressAt: now)
        record.health = health
        workers.put(record)
        count(.workersRegistered, worker: hello.worker)
        note(
            .info,
            "worker \(hello.worker) registered, capacity \(record.capacity), "
                + (hello.ready ? "ready with \(hello.models.map(\.model).joined(separator: ", "))" : "loading"))
    }

    /// The same process again: ready by now, back from a loss, or on a new connection. What it had on an old
    /// connection may have lost messages either way, so that work is withdrawn and starts over elsewhere.
    private mutating func renew(_ index: Int, _ hello: Hello, from connection: WorkerConnection) {
        if workers[index].connection != connection, !workers[index].isLost { lose(index, .reconnected) }
        guard let index = workers.index(of: hello.worker) else { return admit(hello, from: connection) }
        let wasLost = workers[index].isLost
        var record = workers[index]
        record.hello = hello
        record.connection = connection
        record.capacity = min(hello.capacity, limits.capacityPerWorkerMax)
        record.hear(at: now)
        if record.condition != .draining { record.condition = hello.ready ? .ready : .loading }
        workers.put(record)
        if wasLost { withdrawLeftovers(index) }
    }

    /// A lost worker speaks again: same process, same connection.
    mutating func revive(_ index: Int) {
        if let failure = mixingProblem(of: workers[index].hello) {
            let (name, connection) = (workers[index].name, workers[index].connection)
            workers.remove(name)
            timers.cancel(.worker(name))
            connection.map { directives.append(.refuseWorker($0, failure)) }
            return
        }
        workers[index].condition = workers[index].hello.ready ? .ready : .loading
        membershipIsStale = true
        withdrawLeftovers(index)
        reschedule(index)
        reconsider(modelsOf: workers[index])
    }

    private mutating func withdrawLeftovers(_ index: Int) {
        workers[index].advance(at: now)
        count(.workersRevived, worker: workers[index].name)
        note(.info, "worker \(workers[index].name) is back")
        for place in workers[index].assignments.indices { withdraw(index, place: place) }
    }

    private mutating func makeRoomForWorker(_ name: String) {
        guard workers.index(of: name) == nil, workers.count >= limits.workersMax else { return }
        if let lost = workers.records.first(where: \.isLost)?.name {
            workers.remove(lost)
            timers.cancel(.worker(lost))
        }
    }
}

/// Workers that are not let in.
extension RoutingStateMachine {
    private func refusal(of hello: Hello, from connection: WorkerConnection) -> Failure? {
        if let problem = problem(of: hello) { return Failure(.invalidParameter, problem) }
        if let other = workers.name(of: connection), other != hello.worker {
            return Failure(.forbidden, "this connection speaks for \(other); one connection, one worker")
        }
        if let index = workers.index(of: hello.worker) {
            if let failure = nameProblem(of: hello, from: connection, holder: workers[index]) { return failure }
        } else if workers.count >= limits.workersMax, !workers.records.contains(where: \.isLost) {
            return Failure(
                .busy, "there are \(workers.count) workers already, the most this router takes",
                retryAfterMilliseconds: configuration.busyRetryMilliseconds)
        }
        return mixingProblem(of: hello)
    }

    private func problem(of hello: Hello) -> String? {
        let names = [hello.worker, hello.numerics] + hello.models.flatMap { [$0.model, $0.sha256] }
        if hello.worker.isEmpty || names.contains(where: { $0.utf8.count > limits.nameBytesMax }) {
            return "a worker needs a name, and no name may be longer than \(limits.nameBytesMax) bytes"
        }
        if hello.capacity < 1 { return "capacity is \(hello.capacity); it must be at least 1" }
        // A worker that still loads does not know its models' hashes yet.
        let modelsMin = hello.ready && hello.experts.isEmpty && hello.data == nil ? 1 : 0
        if !(modelsMin...limits.modelsPerWorkerMax).contains(hello.models.count) {
            return
                "\(hello.models.count) models; a ready worker holds experts, or 1...\(limits.modelsPerWorkerMax) models"
        }
        if let problem = expertProblem(of: hello) { return problem }
        if Set(hello.models.map(\.model)).count < hello.models.count { return "a model is listed twice" }
        if let holding = hello.models.first(where: { $0.contextLength < 2 || $0.vocabulary < 1 }) {
            return "\(holding.model): a context of \(holding.contextLength) tokens and a vocabulary of "
                + "\(holding.vocabulary) cannot answer anything"
        }
        return nil
    }

    /// A name belongs to a process as long as that process is heard. A newer start of it may take the name over once
    /// the old one has missed a heartbeat; the same process on a new connection may at once.
    private func expertProblem(of hello: Hello) -> String? {
        if hello.experts.isEmpty { return nil }
        if hello.experts.count > limits.expertsPerWorkerMax {
            return "\(hello.experts.count) experts; a worker holds at most \(limits.expertsPerWorkerMax)"
        }
        if Set(hello.experts.map(\.expert)).count < hello.experts.count { return "an expert is listed twice" }
        let texts = hello.experts.flatMap { [$0.expert, $0.sha256, $0.trunkSHA256] }
        if texts.contains(where: { $0.isEmpty || $0.utf8.count > limits.nameBytesMax }) {
            return "an expert needs a name and two hashes, of at most \(limits.nameBytesMax) bytes each"
        }
        let given = grantedExperts[hello.worker] ?? []
        let share = configuration.shares[hello.worker].map { "\($0)/" }
        if let other = hello.experts.first(where: { expert in
            !given.contains(expert.expert) && !(share.map { expert.expert.hasPrefix($0) } ?? false)
        }) {
            return "the topology gives \(hello.worker) no expert \(other.expert)"
        }
        return hello.data == nil ? "a worker with experts needs a data endpoint" : nil
    }

    private func nameProblem(of hello: Hello, from connection: WorkerConnection, holder: WorkerRecord) -> Failure? {
        if holder.isLost || holder.hello.incarnation == hello.incarnation { return nil }
        let isNewer = hello.incarnation > holder.hello.incarnation
        if isNewer, holder.connection == connection { return nil }
        if isNewer, holder.condition == .draining, holder.assignments.isEmpty { return nil }
        let freeAt = isNewer ? holder.suspectAt(configuration) : holder.silentAt(configuration)
        if isNewer, freeAt <= now { return nil }
        return Failure(
            .nameTaken, "a live worker is called \(hello.worker); stop it, or give this one another name",
            retryAfterMilliseconds: max(1, freeAt.milliseconds(from: now)))
    }

    /// P1: what answers for one model computes the same bits, unless the topology allows otherwise.
    private func mixingProblem(of hello: Hello) -> Failure? {
        for holding in hello.models {
            let policy = configuration.models[holding.model] ?? RoutingConfiguration.ModelPolicy()
            if let wanted = policy.sha256, wanted != holding.sha256 {
                return Failure(
                    .numericsMismatch,
                    "\(holding.model) has SHA-256 \(holding.sha256), the topology wants \(wanted)")
            }
            if policy.mixesNumerics { continue }
            for other in workers.records where !other.isLost && other.name != hello.worker {
                guard let theirs = other.holding(holding.model) else { continue }
                if theirs.sha256 == holding.sha256, other.hello.numerics == hello.numerics { continue }
                return Failure(
                    .numericsMismatch,
                    "\(holding.model): this worker has file \(holding.sha256) and numerics \(hello.numerics), "
                        + "\(other.name) has \(theirs.sha256) and \(other.hello.numerics); "
                        + "use one build, one file and the same models on both")
            }
        }
        return nil
    }
}
