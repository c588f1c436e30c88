/// An assignment that occupies a place on a worker until the worker says `Ended`.
struct HeldAssignment: Hashable, Sendable {
    var id: AssignmentID
    /// Nil once withdrawn: what comes now is stale, but the place is taken until the worker acknowledges.
    var query: QueryKey?
    /// Tokens to prefill and to generate from here on.
    var outstandingTokens: Int
    var withdrawnAt: Instant?
}

/// One worker, as the router sees it.
struct WorkerRecord: Sendable {
    enum LossCause: Hashable, Sendable {
        case silent
        case stalled
        case unresponsive
        case disconnected
        case replaced
        case reconnected

        var text: String {
            switch self {
            case .silent: "sent no heartbeat"
            case .stalled: "has work and made no progress"
            case .unresponsive: "did not acknowledge a withdrawal"
            case .disconnected: "was disconnected"
            case .replaced: "was replaced by a newer start of itself"
            case .reconnected: "came back on another connection"
            }
        }
    }

    enum Condition: Hashable, Sendable {
        case loading
        case ready
        case draining
        case lost(LossCause, at: Instant)
    }

    let name: String
    var hello: Hello
    /// Nil once it is known to be gone.
    var connection: WorkerConnection?
    var condition: Condition
    var capacity: Int
    var lastHeard: Instant
    var progress: UInt64 = 0
    var progressAt: Instant
    var residentBytes: UInt64 = 0
    var health = WorkerHealth()
    /// By ascending id.
    var assignments: [HeldAssignment] = []

    var isLost: Bool {
        if case .lost = condition { return true }
        return false
    }

    var hasCredit: Bool { assignments.count < capacity }
    var outstandingTokens: Int { assignments.reduce(0) { $0 + $1.outstandingTokens } }

    func holds(_ model: String) -> Bool {
        hello.models.contains { $0.model == model }
    }

    func holding(_ model: String) -> ModelHolding? {
        hello.models.first { $0.model == model }
    }

    func index(of id: AssignmentID) -> Int? {
        var (low, high) = (0, assignments.count)
        while low < high {
            let middle = (low + high) / 2
            if assignments[middle].id < id { low = middle + 1 } else { high = middle }
        }
        return low < assignments.count && assignments[low].id == id ? low : nil
    }

    /// Frees the places of withdrawn work that the worker evidently does not have: its assignment, or its word that it
    /// ended, was lost with a connection. Two heartbeats after the withdrawal it reports no more than what it should
    /// have. (What is on its way to it may be missing from the report; then a place is freed early, and the worker
    /// refuses what it has no room for.)
    mutating func release(reportedInFlight: Int, _ configuration: RoutingConfiguration, at now: Instant) {
        let since = configuration.heartbeatMilliseconds * 2
        let wanted = assignments.count { $0.query != nil }
        guard assignments.count > wanted, reportedInFlight <= wanted else { return }
        assignments.removeAll { place in
            place.query == nil && place.withdrawnAt.map { $0.advanced(byMilliseconds: since) <= now } ?? false
        }
    }

    mutating func hear(at now: Instant) {
        lastHeard = now
    }

    mutating func advance(at now: Instant) {
        hear(at: now)
        progressAt = now
    }

    /// Moves everything that the worker is measured by.
    mutating func forgive(microseconds: UInt64) {
        lastHeard = lastHeard.advanced(byMicroseconds: microseconds)
        progressAt = progressAt.advanced(byMicroseconds: microseconds)
        for place in assignments.indices {
            assignments[place].withdrawnAt = assignments[place].withdrawnAt?.advanced(byMicroseconds: microseconds)
        }
    }

    mutating func hold(_ assignment: HeldAssignment, at now: Instant) {
        // An idle worker's progress stands still rightly: its time starts with its first work.
        if assignments.isEmpty { progressAt = now }
        assignments.append(assignment)
    }
}

// MARK: Moments at which the state changes by itself

extension WorkerRecord {
    /// One heartbeat overdue and half an interval on top.
    func suspectAt(_ configuration: RoutingConfiguration) -> Instant {
        lastHeard.advanced(byMilliseconds: configuration.heartbeatMilliseconds * 3 / 2)
    }

    func silentAt(_ configuration: RoutingConfiguration) -> Instant {
        lastHeard.advanced(byMilliseconds: configuration.heartbeatMilliseconds * configuration.missedHeartbeatsMax)
    }

    func stalledAt(_ configuration: RoutingConfiguration) -> Instant? {
        assignments.isEmpty ? nil : progressAt.advanced(byMilliseconds: configuration.stallMilliseconds)
    }

    func unresponsiveAt(_ configuration: RoutingConfiguration) -> Instant? {
        assignments.compactMap(\.withdrawnAt).min()?.advanced(byMilliseconds: configuration.withdrawMilliseconds)
    }

    func isSuspect(_ configuration: RoutingConfiguration, at now: Instant) -> Bool {
        suspectAt(configuration) <= now
    }

    /// The cause for which the worker counts as lost from `now` on, if any.
    func lossCause(_ configuration: RoutingConfiguration, at now: Instant) -> LossCause? {
        if isLost { return nil }
        if silentAt(configuration) <= now { return .silent }
        if let moment = stalledAt(configuration), moment <= now { return .stalled }
        if let moment = unresponsiveAt(configuration), moment <= now { return .unresponsive }
        return nil
    }

    /// When to look at this worker next.
    func nextMoment(_ configuration: RoutingConfiguration, at now: Instant) -> Instant {
        if case .lost(_, let lostAt) = condition {
            return lostAt.advanced(byMilliseconds: configuration.lostWorkerMilliseconds)
        }
        var moment = silentAt(configuration)
        if let stalled = stalledAt(configuration) { moment = min(moment, stalled) }
        if let unresponsive = unresponsiveAt(configuration) { moment = min(moment, unresponsive) }
        let suspect = suspectAt(configuration)
        if suspect > now { moment = min(moment, suspect) }
        if let ejected = health.ejectedUntil, ejected > now { moment = min(moment, ejected) }
        return moment
    }

    func state(_ configuration: RoutingConfiguration, at now: Instant) -> WorkerState {
        switch condition {
        case .loading: .loading
        case .ready: isSuspect(configuration, at: now) ? .suspect : .ready
        case .draining: .draining
        case .lost: .lost
        }
    }
}
