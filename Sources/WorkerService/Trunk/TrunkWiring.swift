import Digest
import Inference
import Kernels
import Logging
import Messaging

/// What a trunk needs to reach experts elsewhere, whichever model they belong to.
struct TrunkWiring: Sendable {
    let board: HolderBoard
    let context: ZeroMQContext
    let keys: TrunkKeys
    let log: Logger

    func wires(to experts: TrunkExperts, of hosted: HostedModel, team: ComputeTeam) -> ExpertWires {
        let roster = LinkRoster(
            board: board, context: context, keys: keys, trunkSHA256: hosted.sha256.hex, model: hosted.model, log: log)
        // Workers that come open it at once.
        _ = roster.number(of: experts.set)
        return ExpertWires(roster: roster, rows: RemoteExpertRows(roster: roster, team: team, log: log))
    }
}
