import Launcher
import Messaging
import Topology

/// What `skein status` and `skein launch --detach` print.
enum StatusText {
    static func endpoints(_ topology: ClusterTopology) -> String {
        topology.router.sockets.map { socket in
            Self.padded(socket.key, 12) + socket.address.advertise.description
        }.joined(separator: "\n")
    }

    /// Endpoints, the router's word and, where not all is well with them, this machine's processes.
    static func whole(_ status: StatusReply, _ topology: ClusterTopology) -> String {
        let local = Launcher.localStatus(topology)
        var parts = [endpoints(topology), table(status)]
        let isTroubled = local.contains { $0.state == .restarting || $0.state == .gaveUp }
        let isUnattended = Launcher.isUnattended(local)
        if isTroubled || isUnattended { parts.append(processes(local)) }
        if isUnattended {
            parts.append(
                "The launcher is gone: nothing starts again what fails. skein stop \(topology.path), then launch again."
            )
        }
        return parts.joined(separator: "\n\n")
    }

    static func processes(_ processes: [LocalProcess]) -> String {
        processes.map { padded($0.name, 12) + padded($0.state.rawValue, 12) + ($0.reason ?? $0.lastEnding ?? "") }
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
        let experts = worker.experts.isEmpty ? [] : [experts(worker.experts)]
        return (worker.models + experts).joined(separator: "; ")
    }

    /// Those of mixture layers, `MODEL/LAYER.EXPERT`, are too many to list.
    private static func experts(_ names: [String]) -> String {
        guard names.contains(where: { $0.contains("/") }) else { return "experts " + names.joined(separator: ", ") }
        let models = Dictionary(grouping: names) { $0.split(separator: "/").first.map(String.init) ?? "" }
        return models.sorted { $0.key < $1.key }.map { "\($0.value.count) experts of \($0.key)" }
            .joined(separator: ", ")
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(1, width - text.count))
    }
}
