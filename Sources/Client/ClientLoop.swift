import Messaging
import Threading

/// What the client's other threads ask of its loop.
enum ClientCommand: Sendable {
    case submit(Query, EventSlot)
    case cancel(QueryID)
    case request(PendingRequest)
}

/// A request for statistics or status, and who waits for it.
struct PendingRequest: Sendable {
    enum Kind: Sendable, Equatable {
        case status
        case statistics(windowSeconds: UInt64)
        /// - Parameter content: where this machine has what is published.
        case change(ChangeExperts, content: String)
        case routing(model: String, firstSite: UInt32)
        /// Answered by nothing but the connection itself.
        case connection

        /// Of a change of experts.
        var changeID: QueryID? {
            if case .change(let change, _) = self { change.id } else { nil }
        }
    }

    let kind: Kind
    let deadlineMicroseconds: UInt64
    let answer: @Sendable (Result<Message, ClientError>) -> Void
}

/// The client's loop: queries, leases, requests, and the question whether the router is still there.
struct ClientLoop: LoopHandler {
    /// The sockets' places in the loop.
    static let front = 0
    static let monitor = 1
    static let requestsMax = 256

    let port: LoopPort
    let endpoint: Endpoint
    let options: ClientOptions
    var courses: [QueryID: Open] = [:]
    var requests: [PendingRequest] = []
    var liveness: Liveness
    /// Accepted on an earlier connection; whether the router still knows them is being found out.
    var unverified: Set<QueryID> = []
    /// When the last turn asked to be woken: a turn long after that says that this process stood still.
    var plannedMicroseconds: UInt64?

    struct Open {
        var course: QueryCourse
        let slot: EventSlot
        /// A cancellation is due, or under way: the lease is not renewed any more.
        var wantsCancel = false
        var sentCancel = false
    }

    init(port: LoopPort, endpoint: Endpoint, options: ClientOptions) {
        self.port = port
        self.endpoint = endpoint
        self.options = options
        liveness = Liveness(silenceMilliseconds: options.silenceMilliseconds, now: MonotonicClock.nowMicroseconds)
    }

    // MARK: From other threads

    mutating func posted(_ command: ClientCommand) {
        switch command {
        case .submit(let query, let slot): submit(query, slot)
        case .cancel(let id): cancel(id)
        case .request(let request): ask(request)
        }
    }

    private mutating func submit(_ query: Query, _ slot: EventSlot) {
        if let failure = refusal(of: query) { return slot.put(.failure(failure)) }
        let now = MonotonicClock.nowMicroseconds
        if courses.isEmpty && requests.isEmpty { liveness.becameInteresting(at: now) }
        courses[query.id] = Open(
            course: QueryCourse(query, nowMicroseconds: now, graceMilliseconds: options.graceMilliseconds), slot: slot)
        if liveness.isConnected { perform([.send(query)], for: query.id) }
    }

    private func refusal(of query: Query) -> Failure? {
        if courses[query.id] != nil {
            return Failure(id: query.id, kind: .idConflict, message: "this client already runs a query with this id")
        }
        if courses.count >= options.queriesMax {
            return Failure(id: query.id, kind: .busy, message: "\(courses.count) queries run in this client already")
        }
        do {
            _ = try Envelope(frames: Envelope(.query(query)).frames())
            return nil
        } catch  where error.kind == .oversize {
            return Failure(
                id: query.id, kind: error.kind,
                message:
                    "the query is \(error), and one query is at most \(WireLimits.envelopeBytesMax >> 20) MiB with all that "
                    + "belongs to it; shorten the prompt")
        } catch {
            return Failure(id: query.id, kind: error.kind, message: "the query cannot be sent: \(error)")
        }
    }

    mutating func cancel(_ id: QueryID) {
        guard let open = courses[id] else { return }
        guard open.course.wasSent else {
            let failure = Failure(id: id, kind: .cancelled, message: "cancelled before it was sent")
            return perform([.deliver(.failure(failure))], for: id)
        }
        courses[id]?.wantsCancel = true
        let outcome = send(.cancel(Cancel(id: id)))
        courses[id]?.sentCancel = outcome == .sent
    }

    private mutating func ask(_ request: PendingRequest) {
        guard requests.count < Self.requestsMax else { return request.answer(.failure(.busy)) }
        if request.kind == .connection, liveness.isConnected {
            return request.answer(.success(.statusRequest(.init())))
        }
        if courses.isEmpty && requests.isEmpty { liveness.becameInteresting(at: MonotonicClock.nowMicroseconds) }
        requests.append(request)
        sendRequest(request.kind)
    }

    func sendRequest(_ kind: PendingRequest.Kind) {
        switch kind {
        case .status: _ = send(.statusRequest(StatusRequest()))
        case .statistics(let window): _ = send(.statisticsRequest(StatisticsRequest(windowSeconds: window)))
        case .change(let change, _): _ = send(.changeExperts(change))
        case .routing(let model, let first):
            _ = send(.routingRequest(RoutingRequest(model: model, firstSite: first)))
        case .connection: break
        }
    }

    // MARK: Sending

    func send(_ message: Message) -> SendOutcome { port.send(Envelope(message), on: Self.front) }

    mutating func perform(_ actions: [QueryCourse.Action], for id: QueryID) {
        for action in actions {
            switch action {
            case .deliver(let event):
                courses[id]?.slot.put(event)
                if event.isEnding { courses[id] = nil }
            case .send(let query):
                if send(.query(query)) == .sent { courses[id]?.course.sent() }
            }
        }
    }
}
