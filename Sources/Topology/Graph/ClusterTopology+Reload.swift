extension ClusterTopology {
    /// What keeps the graph of an edited file from taking the place of this one while the cluster runs; nil: nothing. Models, workers and
    /// masters are what processes hold since their start.
    package func obstacle(toReloading edited: ClusterTopology) -> String? {
        if edited.name != name { return "its name is \(edited.name), this cluster's \(name)" }
        if edited.held != held {
            let changed = edited.held.symmetricDifference(held).sorted()
            return "\(changed.joined(separator: ", ")) changed, which processes hold since their start; launch again"
        }
        return nil
    }

    private var held: Set<String> {
        let models = models.map { model in
            "model \(model.name) (\(model.file)\(model.experts.map { ", \($0.experts.map(\.name).sorted().joined(separator: " "))" } ?? ""))"
        }
        let workers = workers.map { "worker \($0.name) (\($0.models.joined(separator: " ")))" }
        let masters = nodes.compactMap { node in
            node.functionalFolder.map { "\(node.kind.word.rawValue) \(node.name) (\(node.model ?? ""), \($0))" }
        }
        return Set(models + workers + masters)
    }
}
