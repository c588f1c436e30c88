import ContentTransfer
import ExpertStore
import Glibc
import Inference
import Kernels
import Logging
import Messaging
import Synchronization
import Threading
import Topology

/// The worker process: connects, loads what the topology gives it, serves until it is told to stop.
package final class WorkerService: Sendable {
    private let loop: MessageLoop<WorkerShell>
    private let context: ZeroMQContext
    private let authenticator: Authenticator?
    private let loader: NamedThread
    private let life: WorkerLife

    /// Connects at once and loads in the background, so that the router knows early who is coming.
    /// - Parameter cores: of this machine, for workers whose threads are `auto`.
    package init(_ topology: ClusterTopology, worker: WorkerEntry, cores: Int, log: Logger) throws {
        let life = WorkerLife()
        let context = try ZeroMQContext()
        let board = HolderBoard()
        let content = try ContentInbox(from: "the router") { life.post(.asksContent($0)) }
        let door = try worker.data.map { try ExpertDoor($0, worker, topology, context) }
        let socket = try Socket(context, .dealer, options: Self.options)
        let monitor = try socket.monitor()
        try socket.connect(
            Messaging.Endpoint(Self.control(topology, worker).description), security: Self.security(topology, worker))
        let profile = WorkerProfile(
            name: worker.name,
            numerics: ModelSet.numerics(
                of: topology.models.filter { worker.models.contains($0.name) }, hasExperts: worker.experts != nil,
                share: worker.share.flatMap { topology.model($0.model) }),
            capacity: worker.capacity, data: door?.endpoint)
        let wiring = TrunkWiring(board: board, context: context, keys: try Self.trunkKeys(topology, worker), log: log)
        let job = LoadingJob(
            topology, worker, cores: cores, profile: profile, wiring: wiring, socket: door.map { Handover($0.socket) },
            content: content, log: log)
        let loop = try MessageLoop(name: "worker", sockets: [socket, monitor]) { port in
            WorkerShell(
                port: port, profile: profile, board: board, content: content, log: log, post: { life.post($0) },
                onFault: { life.end(with: $0) })
        }
        life.attach(loop)
        self.loop = loop
        self.context = context
        authenticator = door?.authenticator
        self.life = life
        loader = try NamedThread(name: "loader") { job.run(loop, life) }
    }

    /// Says goodbye, finishes what it has within bounds, and ends. Returns at once.
    package func stop() { loop.stop() }

    /// Called, on any thread, when the worker ends by itself.
    package func onFault(_ action: @escaping @Sendable () -> Void) { life.onFault(action) }

    /// Waits for the end; throws why, where it was not `stop`.
    package func wait() throws {
        let socketFault = loop.join()
        loader.join()
        life.compute?.stop()
        life.answering?.stop()
        authenticator?.stop()
        context.end()
        if let fault = life.fault { throw fault }
        if let socketFault { throw socketFault }
    }

    private static var options: SocketOptions {
        var options = SocketOptions()
        options.sendMessagesMax = 4096
        options.receiveMessagesMax = 4096
        return options
    }

    /// The router's own worker comes in by a door of its own.
    private static func control(_ topology: ClusterTopology, _ worker: WorkerEntry) -> Topology.Endpoint {
        (worker.host == .router ? topology.trunkControl : nil) ?? topology.router.control.advertise
    }

    /// In the router's process a trunk speaks with the router's key, elsewhere with its worker's.
    private static func trunkKeys(_ topology: ClusterTopology, _ worker: WorkerEntry) throws -> TrunkKeys {
        let file = worker.host == .router ? topology.security.serverKeyFile : worker.keyFile
        let needsKeys = !topology.security.insecure && topology.workers.contains { $0.data?.bind.isTCP ?? false }
        return TrunkKeys(own: needsKeys ? try file.map { try KeyFile.readPair($0) } : nil)
    }

    private static func security(_ topology: ClusterTopology, _ worker: WorkerEntry) throws -> ConnectorSecurity {
        guard control(topology, worker).isTCP, !topology.security.insecure else { return .none }
        guard let own = worker.keyFile, let server = topology.security.serverPublicKeyFile else {
            throw WorkerFault(
                "worker \(worker.name) reaches the router over TCP and needs `key` and `security.server_key` in the "
                    + "topology; make them with `skein keygen`")
        }
        return .curve(own: try KeyFile.readPair(own), server: try KeyFile.readPublic(server))
    }
}

/// What a worker's threads share about its end.
final class WorkerLife: Sendable {
    private struct State {
        var fault: WorkerFault?
        var loop: MessageLoop<WorkerShell>?
        var compute: ComputeThread?
        var answering: ExpertThread?
        var onFault: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())

    var fault: WorkerFault? { state.withLock { $0.fault } }
    var compute: ComputeThread? { state.withLock { $0.compute } }
    var answering: ExpertThread? { state.withLock { $0.answering } }

    func attach(_ loop: MessageLoop<WorkerShell>) { state.withLock { $0.loop = loop } }
    /// What is posted before the loop is there, or after its end, nobody waits for.
    func post(_ value: WorkerPosted) { _ = state.withLock { $0.loop }?.post(value) }
    func keep(_ compute: ComputeThread) { state.withLock { $0.compute = compute } }
    func keep(_ answering: ExpertThread) { state.withLock { $0.answering = answering } }

    /// The first fault is the one to tell.
    func end(with fault: WorkerFault) {
        let (loop, action) = state.withLock { state in
            if state.fault == nil { state.fault = fault }
            return (state.loop, state.onFault)
        }
        loop?.stop()
        action?()
    }

    /// Called at once where there has been a fault already.
    func onFault(_ action: @escaping @Sendable () -> Void) {
        let isLate = state.withLock { state in
            state.onFault = action
            return state.fault != nil
        }
        if isLate { action() }
    }
}

/// Loads what a worker hosts and starts the threads that compute with it.
private struct LoadingJob: Sendable {
    let topology: ClusterTopology
    let entries: [ModelEntry]
    let masters: [NodeEntry]
    let worker: WorkerEntry
    let trunk: ModelEntry?
    let threads: Int
    let profile: WorkerProfile
    let wiring: TrunkWiring
    /// The data endpoint's.
    let socket: Handover<any MessageSocket>?
    let content: ContentInbox
    private let store: ContentStore
    private let keeper: ContentKeeper?
    let log: Logger

    init(
        _ topology: ClusterTopology, _ worker: WorkerEntry, cores: Int, profile: WorkerProfile, wiring: TrunkWiring,
        socket: Handover<any MessageSocket>?, content: ContentInbox, log: Logger
    ) {
        self.content = content
        self.topology = topology
        store = ContentStore(folder: topology.paths.content)
        keeper = worker.host == .remote ? ContentKeeper(store) : nil
        entries = topology.models.filter { worker.models.contains($0.name) }
        masters = topology.masters(of: worker)
        trunk = worker.experts.flatMap { topology.model($0.model) }
        threads = topology.threads(of: worker, cores: cores)
        self.worker = worker
        self.profile = profile
        self.wiring = wiring
        self.socket = socket
        self.log = log
    }

    func run(_ loop: MessageLoop<WorkerShell>, _ life: WorkerLife) {
        // The threads that compute are started from here.
        TimeSlice.standard.give()
        let started = MonotonicClock.nowMicroseconds
        do throws(WorkerFault) {
            let models = try ModelSet.load(
                entries, masters: masters, of: topology, threads: threads, cacheMegabytes: worker.kvMegabytes
            ) { _, _ in }
            let work = try hostedWork(models.team)
            let answering = try work.map { work throws(WorkerFault) in try startAnswering(work, models.team) }
            answering.map(life.keep)
            let compute = try startCompute(models, loop)
            life.keep(compute)
            CodePages.forget()
            _ = loop.post(
                .loaded(
                    Hosting(
                        models: models, compute: compute, experts: work, trunks: trunks(models), answering: answering))
            )
            let milliseconds = (MonotonicClock.nowMicroseconds - started) / 1000
            let share = work.map { worker.share == nil ? "" : "\($0.holdings.count) experts" } ?? ""
            let names = worker.models + (worker.experts?.names ?? []) + (share.isEmpty ? [] : [share])
            log.info("loaded \(names.joined(separator: ", ")) in \(milliseconds) ms on \(threads) threads")
        } catch {
            life.end(with: error)
        }
    }

    private func trunks(_ models: ModelSet) -> [String: TrunkShelf] {
        var shelves: [String: TrunkShelf] = [:]
        for hosted in models.models {
            guard let experts = hosted.experts, let entry = entries.first(where: { $0.name == hosted.name })?.experts
            else { continue }
            shelves[hosted.name] = TrunkShelf(entry, hosted, experts, locator(entry.store))
        }
        return shelves
    }

    private func locator(_ experts: String) -> ContentLocator {
        ContentLocator(experts: experts, content: store, inbox: content, keeper: keeper)
    }

    private func hostedWork(_ team: ComputeTeam) throws(WorkerFault) -> HostedWork? {
        if let share = worker.share, let entry = topology.model(share.model) {
            return .share(ShareShelf(try HostedShare.load(share, of: worker, topology, team: team), share, entry))
        }
        guard let entry = worker.experts else { return nil }
        return .pairs(ExpertShelf(try HostedExperts.load(entry, trunk: trunk), entry, locator(entry.store)))
    }

    private func startAnswering(_ work: HostedWork, _ team: ComputeTeam) throws(WorkerFault) -> ExpertThread {
        guard let socket else { throw WorkerFault("worker \(worker.name) has experts and no data endpoint") }
        do throws(ThreadingError) {
            return try ExpertThread(socket, profile: profile, work: work, team: team, log: log)
        } catch {
            throw WorkerFault(error.description)
        }
    }

    private func startCompute(
        _ models: ModelSet, _ loop: MessageLoop<WorkerShell>
    ) throws(WorkerFault) -> ComputeThread {
        let engines = Handover(
            try models.engines(capacity: worker.capacity, cacheMegabytes: worker.kvMegabytes, wiring: wiring))
        do throws(ThreadingError) {
            return try ComputeThread(
                commandsMax: 4 * worker.capacity + 16, makeEngines: { engines.take() },
                emit: { event in
                    // A loop that is behind holds up the engine rather than losing a token.
                    while !loop.post(.computed(event)), !loop.hasEnded { usleep(1000) }
                })
        } catch {
            throw WorkerFault(error.description)
        }
    }
}
