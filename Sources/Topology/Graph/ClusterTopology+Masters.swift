/// Masters, and other models with functional tokens, are held by workers as models of their own, beside the trunk that they share
/// weights with.
extension NodeEntry {
    /// What workers call the model of this node, where it has functional tokens; no model of the topology can have the name.
    package var masterHolding: String { "master:\(name)" }

    package var master: MasterSettings? {
        guard case .master(let settings) = kind else { return nil }
        return settings
    }
}

extension ClusterTopology {
    /// The models with functional tokens that a worker holds: those whose trunk it hosts.
    package func masters(of worker: WorkerEntry) -> [NodeEntry] {
        nodes.filter { node in
            node.functionalFolder != nil && (node.model.map { worker.models.contains($0) } ?? false)
        }
    }
}
