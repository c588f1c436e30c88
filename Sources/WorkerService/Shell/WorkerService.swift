import Glibc
import Inference
import Logging
import Messaging
import Synchronization
import Threading
import Topology

/// The worker process: connects, loads what the topology gives it, serves until it is told to stop.
package final class WorkerService: Sendable {
    private let loop: MessageLoop<WorkerShell>
    private let context: ZeroMQContext
    private let loader: NamedThread
    private let life: WorkerLife

    /// Connects at once and loads in the background, so that the router knows early who is coming.
    /// - Parameter cores: of this machine, for workers whose threads are `auto`.
    package init(_ topology: ClusterTopology, worker: WorkerEntry, cores: Int, log: Logger) throws {
        let job = LoadingJob(topology, worker, cores: cores, log: log)
        let life = WorkerLife()
        let context = try ZeroMQContext()
        let socket = try Socket(context, .dealer, options: Self.options)
        let monitor = try socket.monitor()
        try socket.connect(
            Messaging.Endpoint(topology.router.control.advertise.description),
            security: Self.security(topology, worker))
        let profile = WorkerProfile(
            name: worker.name, numerics: ModelSet.numerics(of: job.entries), capacity: worker.capacity)
        let loop = try MessageLoop(name: "worker", sockets: [socket, monitor]) { port in
            WorkerShell(port: port, profile: profile, log: log) { life.end(with: $0) }
        }
        life.attach(loop)
        self.loop = loop
        self.context = context
        self.life = life
        loader = try NamedThread(name: "loader") { job.run(loop, life) }
    }

    /// Says goodbye, finishes what it has within bounds, and ends. Returns at once.
    package func stop() { loop.stop() }

    /// Waits for the end; throws why, where it was not `stop`.
    package func wait() throws {
        let socketFault = loop.join()
        loader.join()
        life.compute?.stop()
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

    private static func security(_ topology: ClusterTopology, _ worker: WorkerEntry) throws -> ConnectorSecurity {
        guard topology.router.control.advertise.isTCP, !topology.security.insecure else { return .none }
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
    }

    private let state = Mutex(State())

    var fault: WorkerFault? { state.withLock { $0.fault } }
    var compute: ComputeThread? { state.withLock { $0.compute } }

    func attach(_ loop: MessageLoop<WorkerShell>) { state.withLock { $0.loop = loop } }
    func keep(_ compute: ComputeThread) { state.withLock { $0.compute = compute } }

    /// The first fault is the one to tell.
    func end(with fault: WorkerFault) {
        state.withLock { state in
            if state.fault == nil { state.fault = fault }
            return state.loop
        }?.stop()
    }
}

/// Loads a worker's models and starts its compute thread.
private struct LoadingJob: Sendable {
    let entries: [ModelEntry]
    let worker: WorkerEntry
    let threads: Int
    let log: Logger

    init(_ topology: ClusterTopology, _ worker: WorkerEntry, cores: Int, log: Logger) {
        entries = topology.models.filter { worker.models.contains($0.name) }
        threads = topology.threads(of: worker, cores: cores)
        self.worker = worker
        self.log = log
    }

    func run(_ loop: MessageLoop<WorkerShell>, _ life: WorkerLife) {
        let started = MonotonicClock.nowMicroseconds
        do throws(WorkerFault) {
            let models = try ModelSet.load(entries, threads: threads) { _, _ in }
            let compute = try startCompute(models, loop)
            life.keep(compute)
            _ = loop.post(.loaded(Hosting(models: models, compute: compute)))
            let milliseconds = (MonotonicClock.nowMicroseconds - started) / 1000
            log.info("loaded \(worker.models.joined(separator: ", ")) in \(milliseconds) ms on \(threads) threads")
        } catch {
            life.end(with: error)
        }
    }

    private func startCompute(
        _ models: ModelSet, _ loop: MessageLoop<WorkerShell>
    ) throws(WorkerFault) -> ComputeThread {
        let engines = Handover(try models.engines(capacity: worker.capacity, cacheMegabytes: worker.kvMegabytes))
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
