import Digest
import Inference
import Kernels
import Logging
import Messaging
import Threading

/// What a trunk needs to reach experts elsewhere, whichever model they belong to.
struct TrunkWiring: Sendable {
    let board: HolderBoard
    let context: ZeroMQContext
    let keys: TrunkKeys
    let log: Logger

    func wires(
        to experts: TrunkExperts, of hosted: HostedModel, team: ComputeTeam
    ) throws(WorkerFault) -> ExpertWires {
        let roster = LinkRoster(
            self,
            OpeningTerms(
                trunkSHA256: hosted.sha256.hex, numerics: PairNumerics.id,
                groups: hosted.model.siteGroups.map(SiteGroupShape.init)))
        // Workers that come open it at once.
        _ = roster.number(of: experts.set)
        let cache = try cache(of: experts.cache, hosted)
        return ExpertWires(
            roster: roster,
            rows: RemoteExpertRows(
                roster: roster, cache: cache, waitsForReloads: experts.waitsForReloads, team: team, log: log))
    }

    func wires(to experts: MixtureSet) -> MixtureWires {
        let roster = LinkRoster(
            self,
            OpeningTerms(
                trunkSHA256: experts.contract.shape.hex, numerics: experts.contract.numerics, groups: experts.groups))
        _ = roster.number(of: experts)
        return MixtureWires(roster: roster, rows: RemoteMixtureRows(experts, roster: roster, log: log))
    }

    /// Nil where no expert may come to the trunk.
    private func cache(
        of entry: TrunkExperts.CacheEntry, _ hosted: HostedModel
    ) throws(WorkerFault) -> ExpertCache? {
        guard !entry.bytes.isEmpty else { return nil }
        do throws(ThreadingError) {
            let puller = try ExpertPuller(store: entry.store, trunk: hosted.sha256, groups: hosted.model.siteGroups)
            return ExpertCache(bytesMax: entry.bytesMax, pulling: puller) { entry.bytes[$0.hash] }
        } catch { throw WorkerFault(error.description) }
    }
}

extension SiteGroupShape {
    fileprivate init(_ group: SiteGroup) {
        self.init(
            sites: group.linears.map(\.site), outputs: group.linears.map { UInt32($0.base.outputs) },
            inputs: UInt32(group.inputs))
    }
}
