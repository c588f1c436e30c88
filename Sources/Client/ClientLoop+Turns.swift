import Messaging

// What becomes due as time passes.
extension ClientLoop {
    private static let retryMicroseconds: UInt64 = 20_000
    private static let stallMicroseconds: UInt64 = 500_000

    private var hasWork: Bool { !courses.isEmpty || !requests.isEmpty }

    mutating func turn(nowMicroseconds now: UInt64) -> UInt64? {
        let planned = plannedMicroseconds
        plannedMicroseconds = nil
        if let planned, now > planned + Self.stallMicroseconds { stoodStill(now) }
        plannedMicroseconds = due(now)
        return plannedMicroseconds
    }

    /// After SIGSTOP or a laptop's sleep: what the router said meanwhile is still to be read, so its silence means nothing
    /// yet, and a deadline that passed may have been answered in time.
    private mutating func stoodStill(_ now: UInt64) {
        liveness.becameInteresting(at: now)
        for id in Array(courses.keys) { courses[id]?.course.grant(untilMicroseconds: now + Self.stallMicroseconds) }
    }

    /// Does what is due, and says when the next thing will be.
    private mutating func due(_ now: UInt64) -> UInt64? {
        guard hasWork else { return nil }
        if liveness.isDead(at: now) { giveUp() }
        if liveness.shouldPing(at: now) { _ = send(.statusRequest(StatusRequest())) }
        renewLeases(now)
        endOverdue(now)
        let retry = retryUnsent(now)
        guard hasWork else { return nil }
        let moments =
            courses.values.map { $0.course.renewAtMicroseconds }
            + courses.values.compactMap(\.course.giveUpAtMicroseconds)
            + requests.map(\.deadlineMicroseconds) + [liveness.nextMicroseconds]
        return min(moments.min() ?? .max, retry ?? .max)
    }

    /// The router is gone: what was sent may or may not have ended.
    private mutating func giveUp() {
        let silence = "the router at \(endpoint) has not been heard for \(options.silenceMilliseconds) ms"
        let absence = "the router at \(endpoint) could not be reached and the query was never sent"
        endAll { $0.wasSent ? silence : absence }
        let connection = ClientError.unreachable(endpoint, hint: "start it (skein launch), or check the endpoint")
        answerAll(.failure(connection)) { _ in true }
    }

    private mutating func endAll(_ why: (QueryCourse) -> String) {
        for (id, open) in courses {
            perform([.deliver(.failure(open.course.unknownOutcome(why(open.course))))], for: id)
        }
    }

    private mutating func renewLeases(_ now: UInt64) {
        var due: [QueryID] = []
        for id in Array(courses.keys) where courses[id]?.course.renewsLease(at: now) == true {
            if courses[id]?.wantsCancel == false { due.append(id) }
        }
        if !due.isEmpty, liveness.isConnected { _ = send(.lease(Lease(ids: due))) }
    }

    private mutating func endOverdue(_ now: UInt64) {
        for (id, open) in courses where now >= open.course.giveUpAtMicroseconds ?? .max {
            let failure = open.course.unknownOutcome("the deadline has passed and the router has not said how it ended")
            perform([.deliver(.failure(failure))], for: id)
        }
        let overdue = requests.filter { now >= $0.deadlineMicroseconds }
        requests.removeAll { now >= $0.deadlineMicroseconds }
        for request in overdue { request.answer(.failure(timeout(request.kind))) }
    }

    private func timeout(_ kind: PendingRequest.Kind) -> ClientError {
        switch kind {
        case .status: .timedOut("its status")
        case .statistics: .timedOut("statistics")
        case .change: .timedOut("a change of experts")
        case .routing: .timedOut("what tokens have chosen")
        case .connection: .unreachable(endpoint, hint: "nobody listens there, or its key is another")
        }
    }

    /// The socket takes a message or it does not; what it did not take is tried again. Returns when.
    private mutating func retryUnsent(_ now: UInt64) -> UInt64? {
        guard liveness.isConnected else { return nil }
        for (id, open) in courses {
            if !open.course.wasSent { perform([.send(open.course.toSend)], for: id) }
            if open.wantsCancel, !open.sentCancel { cancel(id) }
        }
        let rest = courses.values.contains { !$0.course.wasSent || $0.wantsCancel && !$0.sentCancel }
        return rest ? now + Self.retryMicroseconds : nil
    }

    /// Closing cancels what runs: nobody is left to read it.
    mutating func drain(nowMicroseconds: UInt64) -> Bool {
        for (id, open) in courses where !open.wantsCancel { cancel(id) }
        return true
    }

    mutating func ended(_ fault: SocketError?) {
        endAll { _ in fault.map { "the client's connection failed (\($0))" } ?? "the client was closed" }
        answerAll(.failure(.closed)) { _ in true }
    }
}
