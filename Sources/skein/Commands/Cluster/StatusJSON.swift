import Launcher
import Messaging
import Topology

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

    /// A process of this machine, as its launcher recorded it.
    struct Process: Encodable {
        let name, state: String
        let processID: Int32?
        let restarts: Int
        /// How it ended last, since the launch.
        let lastEnding: String?

        init(_ process: LocalProcess) {
            name = process.name
            state = process.state.rawValue
            processID = process.processID
            restarts = process.restarts
            lastEnding = process.reason ?? process.lastEnding
        }
    }

    let cluster, state: String
    let uptimeMilliseconds: UInt64
    let queued, inFlight: UInt32
    let workers: [Worker]
    let nodes: [Node]
    /// Socket name to endpoint; absent with --socket.
    let endpoints: [String: String]?
    /// The launcher first; absent with --socket.
    let processes: [Process]?
    /// The launcher is gone and its processes run on: nothing starts again what fails.
    let unattended: Bool?

    init(_ status: StatusReply, _ topology: ClusterTopology?) {
        cluster = status.cluster
        state = status.state
        uptimeMilliseconds = status.uptimeMilliseconds
        queued = status.queued
        inFlight = status.inFlight
        workers = status.workers.map {
            Worker(
                name: $0.name, state: $0.state, numerics: $0.numerics, models: $0.models, experts: $0.experts,
                inFlight: $0.inFlight, capacity: $0.capacity, residentBytes: $0.residentBytes, progress: $0.progress)
        }
        nodes = status.nodes.map { Node(name: $0.name, model: $0.model, readyWorkers: $0.readyWorkers) }
        let local = topology.map { Launcher.localStatus($0) }
        processes = local?.map { Process($0) }
        unattended = local.map { Launcher.isUnattended($0) }
        endpoints = topology.map { topology in
            Dictionary(
                topology.router.sockets.map { ($0.key, $0.address.advertise.description) },
                uniquingKeysWith: { first, _ in first })
        }
    }
}
