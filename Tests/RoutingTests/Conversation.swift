import Routing

/// A machine and the words to talk to it: each call hands in one event and keeps what came of it.
struct Conversation {
    var machine: RoutingStateMachine
    var now = Instant(milliseconds: 1000)
    /// Of the last event.
    var directives: [Directive] = []
    var lastPreparation: (QueryKey, UInt64)?

    init(_ change: (inout RoutingConfiguration) -> Void = { _ in }) {
        var configuration = RoutingConfiguration()
        configuration.nodes = [.init(name: "default", model: "m")]
        change(&configuration)
        machine = RoutingStateMachine(configuration: configuration, at: now)
    }

    @discardableResult
    mutating func say(_ event: Event) -> [Directive] {
        directives = machine.handle(event, at: now)
        for case .prepare(let key, let ticket, _) in directives { lastPreparation = (key, ticket) }
        return directives
    }

    /// Lets time pass with a tick at every moment the machine asks for; gives all that came of it.
    @discardableResult
    mutating func wait(milliseconds: UInt64) -> [Directive] {
        let end = now.advanced(byMilliseconds: milliseconds)
        var all: [Directive] = []
        while let next = machine.nextDeadline, next <= end {
            now = max(now, next)
            all += machine.handle(.tick, at: now)
        }
        now = end
        directives = all
        return all
    }

    // MARK: Workers

    static func connection(_ worker: String) -> WorkerConnection { WorkerConnection(routingID: Array(worker.utf8)) }

    static func hello(
        _ name: String, incarnation: UInt64 = 1, numerics: String = "n", sha256: String = "s", models: [String] = ["m"],
        capacity: Int = 2, context: Int = 100, ready: Bool = true
    ) -> Hello {
        Hello(
            worker: name, incarnation: incarnation, numerics: numerics,
            models: models.map { ModelHolding(model: $0, sha256: sha256, contextLength: context, vocabulary: 1000) },
            capacity: capacity, ready: ready)
    }

    mutating func join(_ names: String..., models: [String] = ["m"], capacity: Int = 2) {
        for name in names {
            say(.hello(Self.hello(name, models: models, capacity: capacity), from: Self.connection(name)))
        }
    }

    mutating func beat(_ names: String..., progress: UInt64 = 0) {
        for name in names {
            say(.heartbeat(Heartbeat(incarnation: 1, progress: progress), from: Self.connection(name)))
        }
    }

    /// Time passes; these workers send a heartbeat every 400 ms, with progress.
    @discardableResult
    mutating func live(_ names: [String], milliseconds: UInt64, inFlight: Int = 0) -> [Directive] {
        var all: [Directive] = []
        var left = milliseconds
        while left > 0 {
            all += wait(milliseconds: min(left, 400))
            left -= min(left, 400)
            for name in names {
                all += say(
                    .heartbeat(
                        Heartbeat(incarnation: 1, progress: now.microseconds, inFlight: inFlight),
                        from: Self.connection(name)))
            }
        }
        directives = all
        return all
    }

    mutating func generate(_ worker: String, _ id: AssignmentID, at position: Int, _ tokens: [Int32]) {
        say(.generated(Generated(assignment: id, position: position, tokens: tokens), from: Self.connection(worker)))
    }

    mutating func end(_ worker: String, _ id: AssignmentID, _ kind: Ended.Kind = .endToken) {
        say(.ended(Ended(assignment: id, kind: kind), from: Self.connection(worker)))
    }

    // MARK: Clients

    static func client(_ name: String) -> ClientConnection { ClientConnection(routingID: Array(name.utf8)) }
    static func key(_ id: UInt64, of identity: String = "alice") -> QueryKey {
        QueryKey(identity: identity, id: QueryID(high: 0, low: id))
    }

    static func submission(
        _ id: UInt64, of identity: String = "alice", on connection: String? = nil, model: String = "m",
        prompt: [Int32] = [1, 2, 3], maxTokens: Int = 8
    ) -> Submission {
        Submission(
            key: key(id, of: identity), connection: client(connection ?? identity),
            digest: BodyDigest(bytes: [UInt8(truncatingIfNeeded: id)]), node: "default", model: model,
            prompt: .tokens(prompt), sampling: Sampling(seed: 7), maxTokens: maxTokens, deadlineMilliseconds: 60_000)
    }

    @discardableResult
    mutating func submit(
        _ id: UInt64, of identity: String = "alice", model: String = "m", prompt: [Int32] = [1, 2, 3],
        maxTokens: Int = 8
    ) -> [Directive] {
        say(.submitted(Self.submission(id, of: identity, model: model, prompt: prompt, maxTokens: maxTokens)))
    }

    mutating func renew(_ ids: UInt64..., identity: String = "alice") {
        say(
            .leasesRenewed(
                identity: identity, ids: ids.map { QueryID(high: 0, low: $0) }, from: Self.client(identity)))
    }
}

// MARK: Reading directives

extension [Directive] {
    var assigns: [Assign] { compactMap { if case .assign(let one) = $0 { one } else { nil } } }
    var withdrawn: [AssignmentID] { compactMap { if case .withdraw(_, let id) = $0 { id } else { nil } } }
    var advances: [Advance] { compactMap { if case .advance(let one) = $0 { one } else { nil } } }
    var forgotten: [QueryKey] { compactMap { if case .forget(let key) = $0 { key } else { nil } } }
    var deliveries: [Delivery] { compactMap { if case .deliver(let one) = $0 { one } else { nil } } }
    var observations: [Observation] { compactMap { if case .observe(let one) = $0 { one } else { nil } } }
    var welcomes: Int { count { if case .welcome = $0 { true } else { false } } }

    var failures: [Failure] { deliveries.compactMap { if case .failure(let one) = $0.message { one } else { nil } } }
    var finals: [Final] { deliveries.compactMap { if case .final(let one) = $0.message { one } else { nil } } }
    var replays: [Replay] { deliveries.compactMap { if case .replay(let one) = $0.message { one } else { nil } } }
    var accepted: [Accepted] { deliveries.compactMap { if case .accepted(let one) = $0.message { one } else { nil } } }
    var refusals: [Failure] { compactMap { if case .refuseWorker(_, let failure) = $0 { failure } else { nil } } }

    func total(_ counter: Count.Counter) -> UInt64 {
        reduce(0) { sum, one in
            if case .count(let count) = one, count.counter == counter { sum + count.by } else { sum }
        }
    }
}
