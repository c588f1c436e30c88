import Messaging
import Threading

// What the router says, and what becomes of the connection to it.
extension ClientLoop {
    mutating func received(_ message: Received, on socket: Int) {
        let now = MonotonicClock.nowMicroseconds
        guard socket == Self.front else {
            if let event = ConnectionEvent(message) { connection(event, now) }
            return
        }
        liveness.heard(at: now)
        // A router that does not speak the protocol is as good as none; deadlines end what waits for it.
        guard let envelope = try? Envelope(frames: message.frames) else { return }
        take(envelope.message, now)
    }

    mutating func received(oversize: Oversize, on socket: Int) {}

    private mutating func take(_ message: Message, _ now: UInt64) {
        switch message {
        case .accepted(let accepted):
            course(accepted.id) { $0.accepted(accepted, nowMicroseconds: now) }
        case .partial(let partial): course(partial.id) { $0.partial(partial) }
        case .final(let final): course(final.id) { $0.final(final) }
        case .failure(let failure): take(failure)
        case .statusReply:
            attachVerified()
            answer(message) { $0 == .status }
        case .statisticsReply(let reply): answer(message) { $0 == .statistics(windowSeconds: reply.windowSeconds) }
        case .contentRequest(let request): offer(request)
        case .expertsChanged(let changed): answer(message) { $0.changeID == changed.id }
        case .routingReport(let report):
            answer(message) {
                guard case .routing(let model, let first) = $0 else { return false }
                return first == report.firstSite && (model.isEmpty || model == report.model)
            }
        default: break
        }
    }

    private mutating func take(_ failure: Failure) {
        if let id = failure.id {
            if courses[id] == nil { return answerAll(.failure(.refused(failure))) { $0.changeID == id } }
            return course(id) { $0.failed(failure) }
        }
        // Without an id it refuses a request; which one, the wire does not say.
        attachVerified()
        answerAll(.failure(.refused(failure))) { $0 != .connection }
        if failure.kind == .forbidden { refuseUnaccepted(failure) }
    }

    /// The door itself is the wrong one, such as the control socket: no query gets in here, however long it waits.
    private mutating func refuseUnaccepted(_ failure: Failure) {
        for (id, open) in courses where open.course.wasSent && !open.course.wasAccepted {
            var own = failure
            own.id = id
            perform([.deliver(.failure(own))], for: id)
        }
    }

    private mutating func course(_ id: QueryID, _ body: (inout QueryCourse) -> [QueryCourse.Action]) {
        guard var open = courses[id] else { return }
        let actions = body(&open.course)
        courses[id] = open
        perform(actions, for: id)
    }

    private mutating func answer(_ message: Message, where matches: (PendingRequest.Kind) -> Bool) {
        answerAll(.success(message), where: matches)
    }

    mutating func answerAll(_ result: Result<Message, ClientError>, where matches: (PendingRequest.Kind) -> Bool) {
        let answered = requests.filter { matches($0.kind) }
        requests.removeAll { matches($0.kind) }
        for request in answered { request.answer(result) }
    }

    // MARK: The connection

    private mutating func connection(_ event: ConnectionEvent, _ now: UInt64) {
        switch event {
        case .ready:
            liveness.connected(at: now)
            reattach()
        case .disconnected: liveness.disconnected(at: now)
        case .handshakeFailed:
            let hint = "it refused the key, or its own key is another (--server-key)"
            answerAll(.failure(.unreachable(endpoint, hint: hint))) { $0 == .connection }
        case .other: break
        }
    }

    /// On a new connection: what was never accepted goes out (again); what was accepted is first asked for by its lease. A
    /// router that was restarted answers that with `unknownQuery`, and only one that was not should get the query again:
    /// a second run of what may have been answered already is not for a library to start.
    private mutating func reattach() {
        let ids = Array(courses.keys)
        for id in ids { courses[id]?.course.reconnected() }
        unverified = Set(ids.filter { courses[$0]?.course.wasAccepted == true })
        for id in ids where !unverified.contains(id) { sendAgain(id) }
        if !unverified.isEmpty {
            _ = send(.lease(Lease(ids: Array(unverified))))
            // Messages keep their order: the answer to this comes after what the leases led to.
            _ = send(.statusRequest(StatusRequest()))
        }
        for request in requests { sendRequest(request.kind) }
        answerAll(.success(.statusRequest(StatusRequest()))) { $0 == .connection }
    }

    /// The router still knows the queries that it did not disown.
    private mutating func attachVerified() {
        let ids = unverified
        unverified = []
        for id in ids { sendAgain(id) }
    }

    private mutating func sendAgain(_ id: QueryID) {
        guard let open = courses[id] else { return }
        if open.wantsCancel { return cancel(id) }
        perform([.send(open.course.toSend)], for: id)
    }
}
