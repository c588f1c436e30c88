/// Masters are held by workers as models of their own, beside the trunk that they share weights with.
extension NodeEntry {
    /// What workers call the master of this node; no model can have the name.
    package var masterHolding: String { "master:\(name)" }

    package var master: MasterSettings? {
        guard case .master(let settings) = kind else { return nil }
        return settings
    }
}

extension ClusterTopology {
    /// The masters that a worker holds: those whose trunk it hosts.
    package func masters(of worker: WorkerEntry) -> [NodeEntry] {
        nodes.filter { $0.master.map { worker.models.contains($0.model) } ?? false }
    }
}
