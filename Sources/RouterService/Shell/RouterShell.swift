import Endpoints
import Logging
import Messaging
import Routing
import Threading
import Tokenization
import Topology

/// Performs what the routing core decides. Lives on the router's loop thread, with every socket.
///
/// An event goes in, its directives are carried out in order; what fails on the way (a client that does not read, one
/// that has gone) comes back as events, after the directives that were already decided.
final class RouterShell {
    let port: LoopPort
    let cluster: String
    var reading: QueryReading
    /// As last read.
    var topology: ClusterTopology
    /// A thread reads its edited file.
    var isReloading = false
    var walks = WalkBook()
    let caller: EndpointCaller
    /// Calls to servers outside the cluster, by ticket.
    var calls: [UInt64: QueryKey] = [:]
    let encoder: PromptEncoder
    let inbox: RouterInbox
    let content: ContentServer
    private(set) var isDraining = false
    let log: Logger
    var statistics: RouterStatistics
    var routing = RoutingBook(sinceUnixSeconds: RouterStatistics.unixSeconds)
    var answers: AnswerBook
    var replies = HeldReplies()
    var publishing: Publishing
    /// The Hello in hand: who is welcome hears at once which experts are its.
    var greeting: Messaging.Hello?
    private(set) var machine: RoutingStateMachine
    /// Set while a query is being submitted: `prepare` needs what the core does not carry.
    var submitted: SubmittedQuery?
    /// Which connection uses which descriptor, as last seen: how a broken connection is recognised.
    var workersByDescriptor: [Int32: WorkerConnection] = [:]
    private let startMicroseconds = MonotonicClock.nowMicroseconds
    private var queue: [Event] = []
    private var isPerforming = false

    init(port: LoopPort, parts: RouterParts, inbox: RouterInbox) {
        self.port = port
        self.inbox = inbox
        cluster = parts.cluster
        reading = parts.reading
        topology = parts.topology
        encoder = parts.encoder
        caller = parts.caller
        log = parts.log
        content = parts.content
        statistics = RouterStatistics(store: parts.store)
        answers = AnswerBook(endedMax: parts.configuration.limits.retainedMax)
        publishing = parts.publishing
        machine = RoutingStateMachine(configuration: parts.configuration, at: Self.now)
        for model in publishing.manifest.models.values {
            for expert in model.published { handle(.expertsGranted([expert.expert], worker: expert.worker)) }
        }
        cleanContent()
    }

    func beginDraining() {
        isDraining = true
        handle(.drain)
    }

    static var now: Instant { Instant(microseconds: MonotonicClock.nowMicroseconds) }

    var uptimeMilliseconds: UInt64 { (MonotonicClock.nowMicroseconds - startMicroseconds) / 1000 }

    /// Takes an event in and carries out everything that follows from it.
    func handle(_ event: Event) {
        queue.append(event)
        guard !isPerforming else { return }
        isPerforming = true
        while !queue.isEmpty {
            let next = queue.removeFirst()
            for directive in machine.handle(next, at: Self.now) { perform(directive) }
        }
        isPerforming = false
    }

    func perform(_ directive: Directive) {
        switch directive {
        case .welcome(let connection, let incarnation, let heartbeat):
            // A worker says that it is ready only once it is welcome: by then it knows what else it is to hold.
            if let greeting { tellManifest(to: greeting, on: connection) }
            let welcome = Messaging.Welcome(incarnation: incarnation, heartbeatMilliseconds: heartbeat)
            send(Envelope(.welcome(welcome)), to: connection)
        case .refuseWorker(let connection, let failure):
            send(Envelope(.failure(Messaging.Failure(failure, query: nil))), to: connection)
        case .assign(let assign): send(Envelope(assign), to: assign.connection)
        case .withdraw(let connection, let assignment):
            send(Envelope(.withdraw(Messaging.Withdraw(assignment: assignment.rawValue))), to: connection)
        case .tellMembership(let connection, let membership):
            publishing.hasNewWorkers = true
            send(Envelope(.membership(Messaging.Membership(membership))), to: connection)
        case .deliver(let delivery): deliver(delivery)
        case .advance(let advance): self.advance(advance)
        case .prepare(let key, let ticket, let part): prepare(key, ticket: ticket, part)
        case .call(let call): self.call(call)
        case .assemble(let key, let ticket, let parts, let how): assemble(key, ticket: ticket, parts, how)
        case .hangUp(let key, let ticket): hangUp(key, ticket: ticket)
        case .adopt(let key, let branch): adopt(key, from: branch)
        case .revive(let key, let part): revive(key, part)
        case .forget(let key): forget(key)
        case .observe(let observation): statistics.observe(observation)
        case .count(let count): statistics.count(count)
        case .note(let note): log.log(level: note.level.logLevel, "\(note.text)")
        }
    }

    /// A worker takes at most its credit, so a full pipe means that it no longer reads.
    func send(_ envelope: Envelope, to connection: WorkerConnection) {
        let outcome = port.send(envelope, on: RouterDoor.control.index, to: connection.routingID)
        if outcome != .sent { handle(.workerDisconnected(connection)) }
    }

    func prepareQuery(_ key: QueryKey, ticket: UInt64) {
        guard let submitted, submitted.key == key else {
            return handle(.preparationFailed(key, ticket: ticket, .init(.internalError, "the prompt is gone")))
        }
        encode(PromptEncoder.Job(key: key, ticket: ticket, prompt: submitted.prompt, text: submitted.text))
    }
}

/// What the core does not carry of the query that is being submitted.
struct SubmittedQuery {
    let key: QueryKey
    let prompt: Prompt
    let text: ModelText?
}

extension Note.Level {
    fileprivate var logLevel: Logger.Level {
        switch self {
        case .debug: .debug
        case .info: .info
        case .warning: .warning
        }
    }
}
