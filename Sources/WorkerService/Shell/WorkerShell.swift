import ContentTransfer
import Gating
import Inference
import Logging
import Messaging
import Threading

/// The worker's side of the control conversation: introduces itself, reports, takes assignments, passes results on.
/// Lives on the worker's loop thread.
final class WorkerShell {
    private enum Phase: Equatable {
        /// No connection, or none that has authenticated.
        case unconnected
        /// Hello goes out at this moment.
        case introducing(atMicroseconds: UInt64)
        case registered
    }

    /// A Hello that nobody answers is sent again after this long.
    private static let helloMicroseconds: UInt64 = 500_000
    /// Messages kept while the router does not take them.
    private static let backlogMax = 16_384

    private let port: LoopPort
    private let profile: WorkerProfile
    let log: Logger
    private let board: HolderBoard
    private let content: ContentInbox
    private let onFault: @Sendable (WorkerFault) -> Void
    /// To this loop, from other threads.
    let post: @Sendable (WorkerPosted) -> Void
    /// Routed models all of whose experts have been there at one moment.
    private var complete: Set<String> = []
    /// What the router wants held and routed to, one after the other.
    var arrangements = Arrangements()
    private var phase = Phase.unconnected
    /// There is something to say that no Hello has said yet: a Welcome that answers an earlier one registers nothing.
    private var owesHello = true
    /// On this connection. What the manifest adds to the topology comes before the Welcome.
    private var isWelcome = false
    private(set) var hosting: Hosting?
    private var backlog: [Message] = []
    private var heartbeatMicroseconds: UInt64 = 500_000
    private var nextHeartbeat: UInt64 = 0
    private var saidGoodbye = false

    init(
        port: LoopPort, profile: WorkerProfile, board: HolderBoard, content: ContentInbox, log: Logger,
        post: @escaping @Sendable (WorkerPosted) -> Void, onFault: @escaping @Sendable (WorkerFault) -> Void
    ) {
        self.port = port
        self.profile = profile
        self.board = board
        self.content = content
        self.log = log
        self.onFault = onFault
        self.post = post
    }

    // MARK: Sending

    private func introduce(nowMicroseconds: UInt64) {
        let hello = profile.hello(
            models: hosting?.models.models.map(\.holding) ?? [], experts: hosting?.experts?.holdings ?? [],
            ready: isReady)
        let sent = port.send(Envelope(.hello(hello)), on: 0) == .sent
        owesHello = !sent
        phase = .introducing(atMicroseconds: nowMicroseconds + (sent ? Self.helloMicroseconds : 50_000))
    }

    private func beat(nowMicroseconds: UInt64) {
        nextHeartbeat = nowMicroseconds + heartbeatMicroseconds
        let heartbeat = Heartbeat(
            incarnation: profile.incarnation, progress: hosting?.progress ?? 0,
            inFlight: UInt32(clamping: hosting?.compute.inFlight ?? 0), residentBytes: ProcessMemory.residentBytes)
        _ = port.send(Envelope(.heartbeat(heartbeat)), on: 0)
    }

    func report(_ message: Message) {
        // What belongs to a connection that is gone means nothing to the next one.
        guard phase != .unconnected else { return }
        backlog.append(message)
        flush()
        if backlog.count > Self.backlogMax {
            log.error("the router takes no messages; \(backlog.count) are dropped")
            backlog = []
        }
    }

    private func flush() {
        var sent = 0
        while sent < backlog.count, port.send(Envelope(backlog[sent]), on: 0) == .sent { sent += 1 }
        backlog.removeFirst(sent)
    }

    // MARK: Receiving

    private func receive(_ envelope: Envelope) {
        switch envelope.message {
        case .welcome(let welcome): registered(welcome)
        case .assign(let assign): assigned(assign, envelope.tensors)
        case .withdraw(let withdraw): _ = hosting?.compute.post(.withdraw(withdraw.assignment))
        case .failure(let failure): refused(failure)
        case .membership(let membership): show(membership)
        case .arrangeExperts(let arrangement):
            arrangements.add(arrangement)
            arrangeNext()
        case .contentPart(let part): content.deliver(part, envelope.tensors)
        default: log.warning("the router sent a message that is not for workers")
        }
    }

    private func registered(_ welcome: Welcome) {
        guard welcome.incarnation == profile.incarnation else { return }
        heartbeatMicroseconds = max(10_000, welcome.heartbeatMilliseconds * 1000)
        if !isWelcome {
            isWelcome = true
            if isReady { oweHello() }
        }
        guard !owesHello else { return }
        if phase != .registered { log.info("registered with the router, ready: \(isReady)") }
        phase = .registered
    }

    private func refused(_ failure: Failure) {
        guard failure.retryAfterMilliseconds > 0 else {
            return onFault(WorkerFault("the router refused this worker: \(failure.description)"))
        }
        log.warning("the router: \(failure.description); trying again")
        phase = .introducing(
            atMicroseconds: MonotonicClock.nowMicroseconds + failure.retryAfterMilliseconds * 1000)
    }

    private func assigned(_ assign: Assign, _ tensors: [Tensor]) {
        do throws(WireError) {
            guard let hosting, let model = hosting.models.model(assign.model) else {
                return refuse(assign, "this worker does not hold \(assign.model)")
            }
            let route: RouteRequest?
            do throws(RouteOptionsError) { route = try model.experts?.routes.request(assign.route) } catch {
                return report(.ended(Ended(assignment: assign.assignment, kind: .invalid, message: error.description)))
            }
            let assignment = try Assignment(assign, tensors: tensors, endTokens: model.endTokens, route: route)
            if !hosting.compute.post(.assign(assignment)) { refuse(assign, "this worker has no room for more") }
        } catch {
            refuse(assign, error.description)
        }
    }

    /// A routed model is ready once everyone whom it may ask has been there; from then on its `on_missing` decides.
    private var isReady: Bool {
        guard let hosting, isWelcome, !arrangements.holdBack else { return false }
        return hosting.models.models.allSatisfy { !$0.hasRemote || complete.contains($0.name) }
    }

    /// The compute thread owns the wires to the experts; it hears here that there is something to look at.
    private func show(_ membership: Membership) {
        board.show(membership)
        _ = hosting?.compute.post(.holdersChanged)
    }

    private func heard(of model: String, unreachable: [String]) {
        guard unreachable.isEmpty else {
            let more = unreachable.count > 16 ? " and \(unreachable.count - 16) more" : ""
            return log.warning("\(model): no worker has \(unreachable.prefix(16).joined(separator: ", "))\(more)")
        }
        log.info("\(model): all experts are there")
        guard complete.insert(model).inserted, isReady else { return }
        oweHello()
    }

    /// Tells the router what has changed about this worker.
    func introduceAgain() {
        guard phase != .unconnected else { return }
        owesHello = true
        introduce(nowMicroseconds: MonotonicClock.nowMicroseconds)
    }

    /// The same, at this turn's end.
    private func oweHello() {
        guard phase != .unconnected else { return }
        owesHello = true
        phase = .introducing(atMicroseconds: 0)
    }

    private func refuse(_ assign: Assign, _ message: String) {
        report(.ended(Ended(assignment: assign.assignment, kind: .refused, message: message)))
    }

    /// Whoever answers next has given the work to others already.
    private func disconnected() {
        guard phase != .unconnected else { return }
        log.warning("lost the router; waiting for it")
        phase = .unconnected
        isWelcome = false
        backlog = []
        arrangements.forget()
        hosting?.experts?.releaseStandIns()
        _ = hosting?.compute.post(.withdrawAll)
    }
}

extension WorkerShell: LoopHandler {
    func received(_ message: Received, on socket: Int) {
        guard socket == 0 else { return connectionChanged(message) }
        do throws(WireError) { receive(try Envelope(frames: message.frames)) } catch {
            log.error("from the router: \(error.description)")
        }
    }

    private func connectionChanged(_ message: Received) {
        switch ConnectionEvent(message) {
        case .ready:
            owesHello = true
            isWelcome = false
            phase = .introducing(atMicroseconds: 0)
        case .disconnected: disconnected()
        case .handshakeFailed:
            log.error("the router refuses this worker's key, or is not the router whose key the topology names")
        case .other, nil: break
        }
    }

    func received(oversize: Oversize, on socket: Int) { log.error("the router sent \(oversize.frames) frames at once") }

    func posted(_ value: WorkerPosted) {
        switch value {
        case .computed(.unreachable(let model, let experts)): heard(of: model, unreachable: experts)
        case .computed(.arranged(let arranged)): finish(arranged)
        case .computed(let event): event.message.map(report)
        case .arranged(let arrangement, let result): arranged(arrangement, result)
        case .asksContent(let request): report(.contentRequest(request))
        case .loaded(let hosting):
            self.hosting = hosting
            arrangeNext()
            // What the board was shown before there was anybody to tell.
            _ = hosting.compute.post(.holdersChanged)
            // The router hears of it at once, registered or not.
            oweHello()
        }
    }

    func turn(nowMicroseconds: UInt64) -> UInt64? {
        if case .introducing(let moment) = phase, nowMicroseconds >= moment, !saidGoodbye {
            introduce(nowMicroseconds: nowMicroseconds)
        }
        if phase == .registered, nowMicroseconds >= nextHeartbeat { beat(nowMicroseconds: nowMicroseconds) }
        if !backlog.isEmpty { flush() }
        let resend = backlog.isEmpty ? UInt64.max : nowMicroseconds + 5000
        return switch phase {
        case .unconnected: nil
        case .introducing(let moment): min(moment, resend)
        case .registered: min(nextHeartbeat, resend)
        }
    }

    func drain(nowMicroseconds: UInt64) -> Bool {
        if !saidGoodbye, phase == .registered {
            let goodbye = Goodbye(incarnation: profile.incarnation, reason: "stopping")
            _ = port.send(Envelope(.goodbye(goodbye)), on: 0)
        }
        saidGoodbye = true
        return backlog.isEmpty && (hosting?.compute.isIdle ?? true)
    }
}
