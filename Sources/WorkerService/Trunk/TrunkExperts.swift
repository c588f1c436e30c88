import Digest
import ExpertStore
import Gating
import Inference
import Kernels
import Topology
import Weights

/// The experts of a routed model as its trunk has them: gates of all, pairs of those pinned beside it, rules of routing.
struct TrunkExperts: Sendable {
    let set: ExpertSet
    let routes: RoutePolicy
    /// Some expert is computed by workers.
    let hasRemote: Bool
    let cache: CacheEntry

    /// The experts that may come to the trunk when they are hot.
    struct CacheEntry: Sendable {
        let store: String
        let bytesMax: Int
        /// By content hash: bytes as stored.
        let bytes: [String: Int]
    }

    static func load(
        _ entry: ExpertsEntry, for model: LanguageModel, trunk: SHA256Digest, team: ComputeTeam
    ) throws(WorkerFault) -> TrunkExperts {
        let routes = try RoutePolicy(entry)
        var sources: [ExpertSource] = []
        var cacheable: [String: Int] = [:]
        for expert in entry.experts {
            let source = try source(expert, store: entry.store, trunk: trunk)
            sources.append(source)
            guard expert.placement == .cacheable else { continue }
            cacheable[source.hash] = source.adapter.pairs.reduce(0) { $0 + $1.byteCount }
        }
        do throws(ExpertSetError) {
            return TrunkExperts(
                set: try ExpertSet.load(sources, for: model, team: team), routes: routes,
                hasRemote: sources.contains { !$0.isResident },
                cache: CacheEntry(store: entry.store, bytesMax: entry.cacheMegabytes << 20, bytes: cacheable))
        } catch {
            throw WorkerFault("experts of \(entry.store): \(error)")
        }
    }

    private static func source(
        _ expert: ExpertsEntry.Expert, store: String, trunk: SHA256Digest
    ) throws(WorkerFault) -> ExpertSource {
        do throws(ExpertStoreError) {
            let stored = try StoredExpert(folder: "\(store)/\(expert.name)")
            try stored.check(trunkHash: trunk)
            return ExpertSource(
                name: stored.name, hash: stored.manifest.contentHash.hex, adapter: try stored.verify(),
                isResident: expert.placement == .pinned)
        } catch {
            throw WorkerFault("expert \(expert.name): \(error)")
        }
    }
}
