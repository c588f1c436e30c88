import Digest
import Inference
import Kernels
import Messaging
import Topology
import Weights

/// A share of a model's mixture experts as a worker hosts it: only its slices of the file, hashed and packed.
struct HostedShare: Sendable {
    let shard: MixtureShard
    let contract: MixtureContract
    let holdings: [ExpertHolding]
    /// Of the model in the topology.
    private let model: String
    /// By the names of the wire.
    private let entries: [String: Int]

    static func load(
        _ share: WorkerShare, of worker: WorkerEntry, _ topology: ClusterTopology, team: ComputeTeam
    ) throws(WorkerFault) -> HostedShare {
        guard let entry = topology.model(share.model) else { throw WorkerFault("no model \(share.model)") }
        do {
            let checkpoint = try Checkpoint.open(share.file)
            let plan = try MixturePlan(topology, entry, checkpoint)
            let cells = (plan.places[worker.name] ?? []).map { MixtureCell(layer: $0.layer, expert: $0.expert) }
            return try HostedShare(checkpoint, cells, entry, team: team)
        } catch { throw WorkerFault("experts of \(share.model), \(share.file): \(error)") }
    }

    private init(
        _ checkpoint: Checkpoint, _ cells: [MixtureCell], _ entry: ModelEntry, team: ComputeTeam
    ) throws {
        guard let mixture = checkpoint.configuration.mixture else {
            throw WorkerFault("the model has no mixture layers; remove mixture: from the topology")
        }
        let contract = MixtureContract(checkpoint.configuration, mixture, entry.mode)
        self.init(
            try MixtureShard.load(checkpoint, cells, mode: entry.mode, team: team), contract, model: entry.name)
    }

    private init(_ shard: MixtureShard, _ contract: MixtureContract, model: String) {
        self.shard = shard
        self.contract = contract
        self.model = model
        holdings = shard.entries.map {
            ExpertHolding(
                expert: MixtureNames.wire($0.cell, of: model), trunkSHA256: contract.shape.hex,
                sha256: $0.hash.hex, bytes: UInt64($0.bytes))
        }
        entries = Dictionary(uniqueKeysWithValues: holdings.enumerated().map { ($1.expert, $0) })
    }

    /// Some of these experts, and others that were loaded since.
    func keeping(_ cells: Set<MixtureCell>, and loaded: MixtureShard) -> HostedShare {
        HostedShare(shard.keeping(cells, and: loaded), contract, model: model)
    }

    func entry(_ name: String) -> (entry: MixtureShard.Entry, holding: ExpertHolding)? {
        entries[name].map { (shard.entries[$0], holdings[$0]) }
    }
}

extension MixturePlan {
    /// What the topology makes of the shape that the file has.
    package init(_ topology: ClusterTopology, _ model: ModelEntry, _ checkpoint: Checkpoint) throws {
        guard let entry = model.mixture, let mixture = checkpoint.configuration.mixture,
            let first = mixture.layers.first
        else { throw WorkerFault("the model has no mixture layers; remove mixture: from the topology") }
        // The largest: experts of a layer may differ in width, or compute nothing.
        let bytes = try MixtureTensors(checkpoint, layer: first).experts.compactMap { $0?.byteCount }.max() ?? 0
        try self.init(
            entry,
            Shape(layers: mixture.layers, experts: mixture.expertCount, bytesPerExpert: bytes),
            workers: topology.shareholders(of: model.name).map { ($0.name, $0.share?.megabytes ?? 0) })
    }
}
