/// A cluster as its topology file describes it: parsed, validated, every path absolute. Immutable.
package struct ClusterTopology: Equatable, Sendable {
    package let name: String
    package let paths: ClusterPaths
    package let router: RouterEntry
    package let security: SecurityEntry
    package let models: [ModelEntry]
    /// Replicas written out.
    package let workers: [WorkerEntry]
    package let nodes: [NodeEntry]
    /// Where a query without a node goes; nil: a query must name one.
    package let defaultNode: String?
    package let statistics: StatisticsEntry
    package let log: LogEntry

    /// The topology file, absolute.
    package var path: String { paths.topologyFile }

    package func model(_ name: String) -> ModelEntry? { models.first { $0.name == name } }
    package func worker(_ name: String) -> WorkerEntry? { workers.first { $0.name == name } }
    package func node(_ name: String) -> NodeEntry? { nodes.first { $0.name == name } }

    /// The workers that `skein launch` starts.
    package var localWorkers: [WorkerEntry] { workers.filter { $0.host == .local } }

    /// Compute threads of `worker` on a machine with `cores` cores. `auto` shares the cores evenly among the local
    /// workers that say so, at least one each: threads that outnumber the cores wait for each other at every barrier.
    /// Bits do not depend on it (P1).
    package func threads(of worker: WorkerEntry, cores: Int) -> Int {
        switch worker.threads {
        case .count(let count): count
        case .auto:
            max(1, cores / (worker.host == .remote ? 1 : localWorkers.count { $0.threads == .auto }))
        }
    }
}
