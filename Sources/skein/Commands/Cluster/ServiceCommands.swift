import ArgumentParser
import Foundation
import Logging
import Observability
import RouterService
import Threading
import Topology
import WorkerService

/// What the two service processes share: topology, log, signals.
struct ServiceOptions: ParsableArguments {
    @Option(help: "The topology file.") var topology: String
    @Option(name: .customLong("log-level"), help: "trace, debug, info, notice, warning, error or critical.")
    var logLevel: String?

    /// Logs to the process's own file; in a terminal there as well.
    func startLog(_ topology: ClusterTopology, process: String) throws -> Logger {
        try topology.paths.prepare()
        let file = try RotatingFile(
            path: topology.paths.logFile(process), bytesMax: topology.log.megabytes << 20, filesMax: topology.log.files)
        LoggingSystem.bootstrap(
            process: process, level: try level(topology),
            destination: Terminal.errorIsInteractive ? .both(file) : .file(file))
        return Logger(label: process)
    }

    private func level(_ topology: ClusterTopology) throws -> Logger.Level {
        guard let level = Logger.Level(rawValue: logLevel ?? topology.log.level.rawValue) else {
            let known = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
            throw CommandFailure.usage("\(logLevel ?? "") is no log level; give one of \(known)")
        }
        return level
    }
}

struct RouterCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "router", abstract: "Runs a topology's router.")

    @OptionGroup var options: ServiceOptions

    func run() throws {
        let stop = StopLatch()
        let signals = try SignalWatch { _ in stop.request() }
        let topology = try ClusterTopology(contentsOf: options.topology)
        try topology.verifyFiles()
        let log = try options.startLog(topology, process: "router")
        TimeSlice.short.give()
        do {
            let router = try RouterService(topology, log: log)
            log.info("router of \(topology.name) listens on \(topology.router.front.bind)")
            let trunk = try Self.trunk(topology, router, log)
            stop.onRequest {
                router.stop()
                trunk?.stop()
            }
            let result = Result { try withExtendedLifetime(signals) { try router.wait() } }
            trunk?.stop()
            try trunk?.wait()
            try result.get()
        } catch {
            log.critical("\(error)")
            throw error
        }
        log.info("router ended")
    }
}

extension RouterCommand {
    /// The router's own worker, in the same process; nil where the topology gives it none. It ends with the router, and the
    /// router with it: a routed model without its trunk is down, and a supervisor can start both again.
    private static func trunk(_ topology: ClusterTopology, _ router: RouterService, _ log: Logger) throws
        -> WorkerService?
    {
        guard let entry = topology.trunk else { return nil }
        let worker = try WorkerService(
            topology, worker: entry, cores: ProcessInfo.processInfo.activeProcessorCount, log: log)
        worker.onFault { router.stop() }
        return worker
    }
}

struct WorkerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker", abstract: "Runs one of a topology's workers.")

    @OptionGroup var options: ServiceOptions
    @Option(help: "The worker's name in the topology.") var name: String

    func run() throws {
        let stop = StopLatch()
        let signals = try SignalWatch { _ in stop.request() }
        let topology = try ClusterTopology(contentsOf: options.topology)
        guard let entry = topology.worker(name), entry.host != .router else {
            let names = topology.workers.filter { $0.host != .router }.map { $0.name }.joined(separator: ", ")
            throw CommandFailure.usage("the topology has no worker \(name); it has: \(names)")
        }
        try topology.verifyFiles(forWorker: entry)
        let log = try options.startLog(topology, process: "worker-\(name)")
        TimeSlice.short.give()
        do {
            let cores = ProcessInfo.processInfo.activeProcessorCount
            let worker = try WorkerService(topology, worker: entry, cores: cores, log: log)
            stop.onRequest { worker.stop() }
            try withExtendedLifetime(signals) { try worker.wait() }
        } catch {
            log.critical("\(error)")
            throw error
        }
        log.info("worker \(name) ended")
    }
}
