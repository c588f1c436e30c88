import ArgumentParser
import Client
import Launcher
import Messaging
import Topology

struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Shows the processes, workers and nodes of a cluster.")

    @Argument(help: "The topology file.") var topologyFile: String?
    @OptionGroup var cluster: ClusterOptions
    @Flag(help: "Print one JSON object.") var json = false

    func run() async throws {
        var cluster = cluster
        if let topologyFile { cluster.topology = topologyFile }
        let topology = cluster.socket == nil ? try cluster.loadTopology() : nil
        do {
            let client = try await cluster.connect()
            defer { client.close() }
            try show(try await client.status(), topology)
        } catch {
            // The router is what cannot be reached; what this machine knows may say why.
            if let topology, !json { print(StatusText.processes(Launcher.localStatus(topology))) }
            throw error
        }
    }

    private func show(_ status: StatusReply, _ topology: ClusterTopology?) throws {
        if json { return try JSONOutput.print(StatusJSON(status, topology)) }
        if let topology { print(StatusText.endpoints(topology) + "\n") }
        print(StatusText.table(status))
    }
}

enum StatusText {
    static func endpoints(_ topology: ClusterTopology) -> String {
        topology.router.sockets.map { socket in
            Self.padded(socket.key, 12) + socket.address.advertise.description
        }.joined(separator: "\n")
    }

    static func processes(_ processes: [LocalProcess]) -> String {
        processes.map { padded($0.name, 12) + padded($0.state.rawValue, 12) + ($0.reason ?? "") }
            .joined(separator: "\n")
    }

    static func table(_ status: StatusReply) -> String {
        let head =
            "\(status.cluster) is \(status.state): \(status.inFlight) running, \(status.queued) queued, "
            + "up \(status.uptimeMilliseconds / 1000) s"
        let workers = status.workers.map { worker in
            padded("worker \(worker.name)", 20) + padded(worker.state, 10)
                + padded("\(worker.inFlight)/\(worker.capacity) in flight", 18)
                + padded("\(worker.residentBytes >> 20) MiB", 10) + hosted(worker)
        }
        let nodes = status.nodes.map { node in
            padded("node \(node.name)", 20) + "model \(node.model), \(node.readyWorkers) workers ready"
        }
        return ([head] + workers + nodes).joined(separator: "\n")
    }

    private static func hosted(_ worker: WorkerStatus) -> String {
        let experts = worker.experts.isEmpty ? [] : ["experts " + worker.experts.joined(separator: ", ")]
        return (worker.models + experts).joined(separator: "; ")
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(1, width - text.count))
    }
}

/// `skein status --json`.
struct StatusJSON: Encodable {
    struct Worker: Encodable {
        let name, state, numerics: String
        let models, experts: [String]
        let inFlight, capacity: UInt32
        let residentBytes, progress: UInt64
    }

    struct Node: Encodable {
        let name, model: String
        let readyWorkers: UInt32
    }

    let cluster, state: String
    let uptimeMilliseconds: UInt64
    let queued, inFlight: UInt32
    let workers: [Worker]
    let nodes: [Node]
    /// Socket name to endpoint; absent with --socket.
    let endpoints: [String: String]?

    init(_ status: StatusReply, _ topology: ClusterTopology?) {
        cluster = status.cluster
        state = status.state
        uptimeMilliseconds = status.uptimeMilliseconds
        queued = status.queued
        inFlight = status.inFlight
        workers = status.workers.map {
            Worker(
                name: $0.name, state: $0.state, numerics: $0.numerics, models: $0.models, experts: $0.experts,
                inFlight: $0.inFlight,
                capacity: $0.capacity, residentBytes: $0.residentBytes, progress: $0.progress)
        }
        nodes = status.nodes.map { Node(name: $0.name, model: $0.model, readyWorkers: $0.readyWorkers) }
        endpoints = topology.map { topology in
            Dictionary(
                topology.router.sockets.map { ($0.key, $0.address.advertise.description) },
                uniquingKeysWith: { first, _ in first })
        }
    }
}
