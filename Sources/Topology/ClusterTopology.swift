/// A cluster as its topology file describes it: parsed, validated, every path absolute. Immutable.
package struct ClusterTopology: Equatable, Sendable {
    package let name: String
    package let paths: ClusterPaths
    package let router: RouterEntry
    package let security: SecurityEntry
    package let models: [ModelEntry]
    /// Replicas written out; last, the router's own (`router: trunk:`), where there is one.
    package let workers: [WorkerEntry]
    package let nodes: [NodeEntry]
    package let edges: [EdgeEntry]
    package let walk: WalkEntry
    /// Where a query without a node goes; nil: a query must name one.
    package let defaultNode: String?
    package let statistics: StatisticsEntry
    package let log: LogEntry

    /// The topology file, absolute.
    package var path: String { paths.topologyFile }

    package func model(_ name: String) -> ModelEntry? { models.first { $0.name == name } }
    package func worker(_ name: String) -> WorkerEntry? { workers.first { $0.name == name } }
    package func node(_ name: String) -> NodeEntry? { nodes.first { $0.name == name } }

    /// What the router process serves itself.
    package var trunk: WorkerEntry? { workers.first { $0.host == .router } }

    /// Where the router's own worker reaches it: always over ipc, so that it needs no key of its own. Nil without one.
    package var trunkControl: Endpoint? {
        guard trunk != nil else { return nil }
        return router.control.bind.isTCP ? .ipc(path: paths.socket("trunk")) : router.control.bind
    }

    /// The workers that `skein launch` starts.
    package var localWorkers: [WorkerEntry] { workers.filter { $0.host == .local } }

    /// Compute threads of `worker` on a machine with `cores` cores. `auto` shares the cores evenly among the workers on this
    /// machine that say so, at least one each: threads that outnumber the cores wait for each other at every barrier. Workers
    /// that hold experts only work while a trunk waits for them, so they and the others each have all the cores to share.
    /// Bits do not depend on it (P1).
    package func threads(of worker: WorkerEntry, cores: Int) -> Int {
        switch worker.threads {
        case .count(let count): count
        case .auto where worker.host == .remote: cores
        case .auto:
            max(
                1,
                cores
                    / workers.count {
                        $0.host != .remote && $0.threads == .auto && $0.models.isEmpty == worker.models.isEmpty
                    })
        }
    }
}
