/// The router's decisions as a value: event in, directives out. No clock, socket, file, random source or logger; the
/// same events at the same moments give the same directives, which is what lets `Simulation` search for mistakes.
///
/// The shape is that of SWIM.Instance in swift-cluster-membership: this is the instance, `RouterService` is the shell.
/// The tables are values of their own; what an event does to them is in the extensions beside them.
package struct RoutingStateMachine: Sendable {
    package private(set) var configuration: RoutingConfiguration

    var queries = QueryTable()
    /// By model. A model without waiting queries has none.
    var queues: [String: FairQueue] = [:]
    var retention: Retention
    var workers = WorkerTable()
    var congestion = CongestionTable()
    var timers = TimerHeap<TimerKey>()

    /// The moment of the event in hand.
    var now: Instant
    /// What the event in hand has led to so far.
    var directives: [Directive] = []
    /// Models in whose queue somebody ended: who stood behind, held up by a head that nobody could take just now, may
    /// fit a place that is free.
    var unblocked: Set<String> = []
    /// By worker: the experts that it may say it has.
    var grantedExperts: [String: Set<String>]
    var nextAssignment: UInt64
    var nextTicket: UInt64 = 1
    var isDraining = false
    /// Servers outside the cluster that failed just now.
    var endpointsDownUntil: [String: Instant] = [:]
    /// What trunks were last told.
    var membership = Membership(version: 0, holders: [])
    /// Some worker came, went or changed since.
    var membershipIsStale = false

    package init(configuration: RoutingConfiguration, at now: Instant) {
        self.configuration = configuration
        self.now = now
        retention = Retention(limits: configuration.limits)
        nextAssignment = configuration.firstAssignment
        grantedExperts = configuration.experts
    }

    var limits: RoutingLimits { configuration.limits }

    /// Takes in what happened and says what to do. Every timer that is due by then fires first, whatever the event, so
    /// a flood of events cannot hold up a deadline. What the shell reports about the directives it has just performed
    /// belongs to the event that led to them: no timer comes between tokens and the stop string in them.
    package mutating func handle(_ event: Event, at moment: Instant) -> [Directive] {
        let previous = now
        now = max(now, moment)
        if !event.isReport {
            forgiveOwnPause(since: previous)
            fireTimers()
        }
        take(event)
        dispatchUnblocked()
        tellMembership()
        let result = directives
        directives = []
        return result
    }

    /// When the next `tick` is due at the latest; nil: nothing is waiting for time to pass.
    package var nextDeadline: Instant? { timers.earliest }

    /// No query is left, and none will be taken: the shell may stop.
    package var isDrained: Bool { isDraining && queries.count == 0 }

    private mutating func take(_ event: Event) {
        switch event {
        case .tick: break
        case .drain: drain()
        case .submitted(let submission): submit(submission)
        case .prepared(let key, let ticket, let prompt, let rewrite):
            finishPreparing(key, ticket: ticket, prompt: prompt, rewrite: rewrite)
        case .called(let key, let ticket, let bytes): hear(key, ticket: ticket, bytes)
        case .callEnded(let key, let ticket, let ending): endCall(key, ticket: ticket, ending)
        case .assembled(let key, let ticket, let bytes): assembled(key, ticket: ticket, bytes)
        case .graphChanged(let graph): configuration.graph = graph
        case .preparationFailed(let key, let ticket, let failure):
            failPreparing(key, ticket: ticket, failure: failure)
        case .cancelled(let key, let connection): cancel(key, from: connection)
        case .leasesRenewed(let identity, let ids, let connection): renew(identity, ids, from: connection)
        case .stopped(let key, let keepTokens): stop(key, keepTokens: keepTokens)
        case .undeliverable(let connection): detach(connection)
        case .congested(let connection, let key, let position, let failure):
            noteCongestion(of: connection, query: key, position: position, failure: failure)
        case .hello(let hello, let connection): register(hello, from: connection)
        case .heartbeat(let heartbeat, let connection): hear(heartbeat, from: connection)
        case .goodbye(let incarnation, let reason, let connection):
            sayGoodbye(incarnation: incarnation, reason: reason, from: connection)
        case .generated(let generated, let connection): take(generated, from: connection)
        case .ended(let ended, let connection): take(ended, from: connection)
        case .expertsGranted(let names, let worker): grantedExperts[worker, default: []].formUnion(names)
        case .workerDisconnected(let connection): workers.index(of: connection).map { lose($0, .disconnected) }
        }
    }

    // MARK: Saying what to do

    mutating func count(
        _ counter: Count.Counter, by amount: Int = 1, model: String? = nil, worker: String? = nil,
        failure: FailureKind? = nil
    ) {
        directives.append(
            .count(Count(counter: counter, by: UInt64(amount), model: model, worker: worker, failure: failure)))
    }

    mutating func note(_ level: Note.Level, _ text: String) {
        directives.append(.note(Note(level: level, text: text)))
    }
}
