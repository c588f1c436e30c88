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
    /// A query would fail where an expert is missing, and others read what a lost worker held.
    let waitsForReloads: Bool
    let cache: CacheEntry
    /// What the set is made of.
    let members: [Member]

    struct Member: Sendable {
        let stored: StoredExpert
        let source: ExpertSource
    }

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
        var cacheable: [String: Int] = [:]
        let members = try entry.experts.concurrentMap { expert throws(WorkerFault) in
            try Self.member("\(entry.store)/\(expert.name)", isResident: expert.placement == .pinned, trunk: trunk)
        }
        for (expert, member) in zip(entry.experts, members) {
            guard expert.placement == .cacheable else { continue }
            cacheable[member.source.hash] = member.source.adapter.pairs.reduce(0) { $0 + $1.byteCount }
        }
        return TrunkExperts(
            set: try Self.set(members, entry, model, team), routes: routes,
            hasRemote: members.contains { !$0.source.isResident },
            waitsForReloads: entry.reloads && entry.onMissing == .fail,
            cache: CacheEntry(store: entry.store, bytesMax: entry.cacheMegabytes << 20, bytes: cacheable),
            members: members)
    }

    static func set(
        _ members: [Member], _ entry: ExpertsEntry, _ model: LanguageModel, _ team: ComputeTeam
    ) throws(WorkerFault) -> ExpertSet {
        let calibration = try calibration(of: members.map(\.stored), in: entry.store)
        do throws(ExpertSetError) {
            return try ExpertSet.load(members.map(\.source), for: model, calibration: calibration, team: team)
        } catch {
            throw WorkerFault("experts of \(entry.store): \(error)")
        }
    }

    /// Verified.
    static func member(_ folder: String, isResident: Bool, trunk: SHA256Digest) throws(WorkerFault) -> Member {
        do throws(ExpertStoreError) {
            let stored = try StoredExpert(folder: folder)
            try stored.check(trunkHash: trunk)
            let source = ExpertSource(
                name: stored.name, hash: stored.manifest.contentHash.hex, adapter: try stored.verify(),
                isResident: isResident)
            return Member(stored: stored, source: source)
        } catch {
            throw WorkerFault("expert \(folder): \(error)")
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
