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
        var stored: [StoredExpert] = []
        var cacheable: [String: Int] = [:]
        for expert in entry.experts {
            let (found, source) = try Self.source(expert, store: entry.store, trunk: trunk)
            stored.append(found)
            sources.append(source)
            guard expert.placement == .cacheable else { continue }
            cacheable[source.hash] = source.adapter.pairs.reduce(0) { $0 + $1.byteCount }
        }
        let calibration = try Self.calibration(of: stored, in: entry.store)
        do throws(ExpertSetError) {
            return TrunkExperts(
                set: try ExpertSet.load(sources, for: model, calibration: calibration, team: team), routes: routes,
                hasRemote: sources.contains { !$0.isResident },
                cache: CacheEntry(store: entry.store, bytesMax: entry.cacheMegabytes << 20, bytes: cacheable))
        } catch {
            throw WorkerFault("experts of \(entry.store): \(error)")
        }
    }

    private static func source(
        _ expert: ExpertsEntry.Expert, store: String, trunk: SHA256Digest
    ) throws(WorkerFault) -> (StoredExpert, ExpertSource) {
        do throws(ExpertStoreError) {
            let stored = try StoredExpert(folder: "\(store)/\(expert.name)")
            try stored.check(trunkHash: trunk)
            let source = ExpertSource(
                name: stored.name, hash: stored.manifest.contentHash.hex, adapter: try stored.verify(),
                isResident: expert.placement == .pinned)
            return (stored, source)
        } catch {
            throw WorkerFault("expert \(expert.name): \(error)")
        }
    }

    private static func calibration(
        of stored: [StoredExpert], in store: String
    ) throws(WorkerFault) -> SetCalibration {
        do { return SetCalibration(try StoredCalibration(of: stored)) } catch {
            throw WorkerFault("calibration of the experts in \(store): \(error)")
        }
    }
}

extension SetCalibration {
    /// As a set of experts takes it.
    package init(_ stored: StoredCalibration) {
        self.init(
            nullScores: stored.nullScores.mapValues { $0.mapValues { Float($0) } },
            common: stored.common.map { CommonExpert(adapter: $0.adapter, hash: $0.hash.hex) })
    }
}
