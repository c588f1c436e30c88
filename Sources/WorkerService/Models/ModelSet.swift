import Inference
import Kernels
import Topology

/// Everything that one worker hosts.
struct ModelSet: Sendable {
    let models: [HostedModel]
    let team: ComputeTeam

    /// One after the other: each load already uses the whole team.
    static func load(
        _ entries: [ModelEntry], masters: [NodeEntry] = [], of topology: ClusterTopology, threads: Int,
        cacheMegabytes: Int,
        progress: @escaping @Sendable (String, Double) -> Void
    ) throws(WorkerFault) -> ModelSet {
        // A thread that waits for work keeps its core from the workers that compute what the trunk needs next.
        let team = ComputeTeam(threads: threads, spinMicroseconds: entries.contains(where: \.hasRemote) ? 0 : nil)
        let share = cacheShare(of: cacheMegabytes, models: entries.count + masters.count)
        var models: [HostedModel] = []
        for entry in entries {
            models.append(
                try HostedModel.load(entry, of: topology, cacheBytes: share, team: team) { progress(entry.name, $0) })
        }
        for node in masters {
            guard let folder = node.functionalFolder, let entry = entries.first(where: { $0.name == node.model }),
                let trunk = models.first(where: { $0.name == entry.name })
            else { continue }
            models.append(try .master(node, folder, beside: trunk, file: entry.file, team: team))
        }
        return ModelSet(models: models, team: team)
    }

    func model(_ name: String) -> HostedModel? { models.first { $0.name == name } }

    /// Engines by model name; the cache's bound is shared evenly.
    func engines(
        capacity: Int, cacheMegabytes: Int, wiring: TrunkWiring
    ) throws(WorkerFault) -> [String: RunningModel] {
        var engines: [String: RunningModel] = [:]
        let share = Self.cacheShare(of: cacheMegabytes, models: models.count)
        for hosted in models {
            engines[hosted.name] = try hosted.engine(
                capacity: capacity, cacheBytes: share, team: team, wiring: wiring)
        }
        return engines
    }

    /// Bytes for each model.
    private static func cacheShare(of megabytes: Int, models: Int) -> Int { (megabytes << 20) / max(1, models) }

    /// What two workers must have in common to give the same bits. Known before anything is loaded.
    static func numerics(of entries: [ModelEntry], hasExperts: Bool, share: ModelEntry? = nil) -> String {
        var ids = Set(entries.map { ($0.compute == .exact ? Inference.ComputeMode.exact : .fast).numericsID })
        if let share { ids.insert(MixtureNumerics.id(share.compute == .exact ? .exact : .fast)) }
        if hasExperts { ids.insert(PairNumerics.id) }
        return ids.sorted().joined(separator: ",")
    }
}

extension ModelEntry {
    /// Workers compute some of its experts, at every token.
    fileprivate var hasRemote: Bool {
        mixture != nil || experts?.experts.contains { $0.placement == .remote } ?? false
    }
}
