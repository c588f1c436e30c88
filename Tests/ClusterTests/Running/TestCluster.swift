import Client
import Foundation
import Messaging
import Testing
import Topology

/// A cluster of its own in a temporary folder: its processes are started one by one so that each can be harmed.
final class TestCluster {
    let folder: String
    let topology: ClusterTopology
    private var processes: [String: RunningProcess] = [:]

    /// - Parameter router: what stands below `router:` in the topology, each line indented by two blanks.
    convenience init(workers: [String], router: String = "", extra: String = "", workerExtra: String = "") throws {
        try self.init(yaml: Self.yaml(workers: workers, router: router, extra: extra, workerExtra: workerExtra))
    }

    /// - Parameter yaml: the topology; `FOLDER` stands for the cluster's own.
    init(yaml: String) throws {
        folder = "/tmp/skein-test-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        try yaml.replacing("FOLDER", with: folder).write(toFile: "\(folder)/t.yaml", atomically: true, encoding: .utf8)
        topology = try ClusterTopology(contentsOf: "\(folder)/t.yaml")
        // As the launcher does: two processes that make the socket folder at the same moment can see each other's halfway.
        try topology.paths.prepare()
    }

    private static func yaml(
        workers: [String], router: String, extra: String, workerExtra: String
    ) throws -> String {
        let model = try Places.model()
        let entries = workers.map { "  - {name: \($0), models: [smollm2], threads: 1\(workerExtra)}" }
        return """
            name: test
            \(router.isEmpty ? "" : "router:\n\(router)")
            \(extra)
            models:
              - {name: smollm2, file: "\(model)"}
            workers:
            \(entries.joined(separator: "\n"))
            """
    }

    var front: Messaging.Endpoint {
        get throws { try Messaging.Endpoint(topology.router.front.advertise.description) }
    }

    var control: Messaging.Endpoint {
        get throws { try Messaging.Endpoint(topology.router.control.advertise.description) }
    }

    // MARK: Processes

    func process(_ name: String) throws -> RunningProcess { try #require(processes[name], "\(name) was not started") }

    func start(_ name: String, topology file: String? = nil) throws {
        let command = name == "router" ? ["router"] : ["worker", "--name", name]
        processes[name] = try RunningProcess(command + ["--topology", file ?? topology.path], folder: folder)
    }

    /// Starts everything and waits until every worker is ready.
    func launch(security: ConnectorSecurity = .none) async throws -> RouterClient {
        try start("router")
        for worker in topology.localWorkers { try start(worker.name) }
        let client = try await RouterClient.connect(front, security: security)
        try await waitUntilReady(client)
        return client
    }

    func waitUntilReady(_ client: RouterClient, withinSeconds seconds: Double = 30) async throws {
        let isReady = try await eventually(withinSeconds: seconds) { try await client.status().state == "ready" }
        let status = try await client.status()
        try #require(isReady, "not ready: \(status); \(log("router"))")
    }

    /// Kills with SIGKILL and waits for the end; nothing when it has ended.
    func end(_ name: String) { processes[name]?.end() }

    /// Kills with SIGKILL and waits for the end.
    func kill(_ name: String) throws { try process(name).end() }

    func log(_ name: String) -> String {
        (try? String(contentsOfFile: topology.paths.logFile(name), encoding: .utf8)) ?? "no log of \(name)"
    }

    /// Runs a command of the program to its end.
    func run(_ arguments: [String]) async throws -> (code: Int32?, output: String, errors: String) {
        let process = try RunningProcess(arguments, folder: folder)
        let code = try await process.ending()
        return (code, process.output, process.errors)
    }

    /// The worker that runs something.
    func busyWorker(_ client: RouterClient) async throws -> String {
        let workers = try await client.status().workers
        return try #require(workers.first { $0.inFlight > 0 }, "no worker is busy: \(workers)").name
    }

    func inFlight(_ client: RouterClient) async throws -> UInt32 {
        try await client.status().workers.reduce(0) { $0 + $1.inFlight }
    }

    deinit {
        for process in processes.values { process.end() }
        try? FileManager.default.removeItem(atPath: topology.paths.sockets)
        try? FileManager.default.removeItem(atPath: folder)
    }
}
