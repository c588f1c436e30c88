import Digest
import Gating
import Inference
import Kernels
import Messaging
import Topology
import Weights

/// One model as a worker hosts it: verified, packed, ready to make an engine of.
struct HostedModel: Sendable {
    let name: String
    let model: LanguageModel
    let sha256: SHA256Digest
    /// Positions that a sequence may have: the model's context, or what the cache holds where that is less.
    let contextTokens: Int
    /// Of experts of mixture layers, over a whole prompt.
    let capacity: CapacityMode
    /// Of a routed model.
    let experts: TrunkExperts?
    /// Of a master.
    var master: HostedMaster?
    /// Of a model whose mixture layers' experts workers compute.
    let mixture: MixtureSet?

    /// Reads and verifies the file while the weights are packed from it.
    ///
    /// - Parameter cacheBytes: this model's share of the worker's bound.
    static func load(
        _ entry: ModelEntry, of topology: ClusterTopology, cacheBytes: Int, team: ComputeTeam,
        progress: @escaping @Sendable (Double) -> Void
    ) throws(WorkerFault) -> HostedModel {
        let checkpoint = try opened(entry)
        let content = try entry.mixture.map { _ throws(WorkerFault) in
            try spreadContent(of: checkpoint, entry, topology, team: team)
        }
        let digest = if let content { content.sha256 } else { try digest(of: checkpoint) }
        if let expected = entry.sha256, digest.hex != expected {
            throw WorkerFault(
                "model \(entry.name), \(entry.file): its SHA-256 is \(digest.hex), the topology says \(expected); "
                    + "fetch the file again, or correct the topology")
        }
        let configuration = checkpoint.configuration
        guard entry.capacity == nil || configuration.mixture != nil else {
            throw WorkerFault("model \(entry.name): it has no mixture layers; take its capacity out of the topology")
        }
        let cached = cacheBytes / bytesPerPage(configuration) * KeyValuePages.positionsPerPage
        guard cached > 1 else {
            throw WorkerFault(
                "model \(entry.name): kv_megabytes leaves it \(cacheBytes >> 20) MiB, less than one page of "
                    + "\(bytesPerPage(configuration) >> 10) KiB; raise it")
        }
        let mixture = try entry.mixture.map { mixture throws(WorkerFault) in
            try spread(mixture, of: entry, topology, checkpoint, hashes: content?.experts ?? [])
        }
        let model = try packed(
            checkpoint, entry, elsewhere: Set(mixture?.cells ?? []), team: team, progress: progress)
        checkpoint.releasePages()
        let experts = try entry.experts.map { experts throws(WorkerFault) in
            try TrunkExperts.load(experts, for: model, trunk: digest, team: team)
        }
        return HostedModel(
            name: entry.name, model: model, sha256: digest,
            contextTokens: min(entry.contextTokens ?? .max, configuration.contextLength, cached),
            capacity: CapacityMode(entry.capacity), experts: experts, mixture: mixture)
    }

    var holding: ModelHolding {
        ModelHolding(
            model: name, sha256: sha256.hex, contextLength: UInt32(clamping: contextTokens),
            vocabulary: UInt32(clamping: model.vocabularySize), routed: experts != nil || mixture != nil,
            functionalTokens: master?.tokens ?? [], temperature: master?.temperature ?? 0)
    }

    /// Some expert is computed by workers.
    var hasRemote: Bool { mixture != nil || experts?.hasRemote ?? false }

    var endTokens: Set<Int32> { Set(model.configuration.endTokens.map { Int32(clamping: $0) }) }

    /// - Parameter cacheBytes: this model's share of the worker's bound.
    /// - Parameter wiring: how experts elsewhere are reached.
    func engine(
        capacity: Int, cacheBytes: Int, team: ComputeTeam, wiring: TrunkWiring
    ) throws(WorkerFault) -> RunningModel {
        var limits = EngineLimits()
        limits.sequencesMax = min(capacity, limits.tokensPerStepMax)
        if self.capacity != .dropless {
            // A whole prompt has to fit a step beside one row of every other sequence.
            limits.tokensPerStepMax = min(8192, contextTokens + limits.sequencesMax)
            limits.scoredTokensPerStepMax = min(Self.scoredWholeMax, contextTokens)
        }
        limits.waitingMax = capacity
        limits.contextMax = contextTokens
        limits.keyValuePagesMax = cacheBytes / Self.bytesPerPage(model.configuration)
        if let master {
            let bank = master.set.map {
                RoutedExpertBank($0, defaultRoute: master.route, rowsMax: limits.tokensPerStepMax, team: team)
            }
            return RunningModel(try engine(limits, team, bank: bank, pieces: master.pieces))
        }
        if let mixture {
            let wires = wiring.wires(to: mixture)
            return RunningModel(try engine(limits, team, bank: nil, wires), mixture: wires)
        }
        guard let experts else { return RunningModel(try engine(limits, team, bank: nil)) }
        let wires = experts.hasRemote ? try wiring.wires(to: experts, of: self, team: team) : nil
        let bank = RoutedExpertBank(
            experts.set, source: wires?.rows ?? LocalExpertRows(team: team), defaultRoute: experts.routes.defaults,
            rowsMax: limits.tokensPerStepMax, team: team)
        return RunningModel(try engine(limits, team, bank: bank), bank: bank, wires: wires)
    }

    /// Tokens of a text that is scored under a capacity: all its logits are in memory at once.
    private static let scoredWholeMax = 256

    private func engine(
        _ limits: EngineLimits, _ team: ComputeTeam, bank: RoutedExpertBank?, pieces: [[UInt8]]? = nil,
        _ mixture: MixtureWires? = nil
    ) throws(WorkerFault) -> Engine {
        do throws(EngineLimitsError) {
            return try Engine(
                model: model, limits: limits, team: team, bank: bank, pieces: pieces, capacity: capacity,
                experts: mixture?.rows, onMissing: Gating.OnMissing(self.mixture?.onMissing ?? .fail))
        } catch { throw WorkerFault("model \(name): \(error.description)") }
    }

    /// Keys and values of one page, f32, all layers.
    private static func bytesPerPage(_ configuration: ModelConfiguration) -> Int {
        let perPosition = configuration.layerCount * configuration.keyValueHeadCount * configuration.headDimension
        return 2 * 4 * perPosition * KeyValuePages.positionsPerPage
    }

    private static func opened(_ entry: ModelEntry) throws(WorkerFault) -> Checkpoint {
        do { return try Checkpoint.open(entry.file) } catch {
            throw WorkerFault("model \(entry.name): \(error.description)")
        }
    }

    private static func packed(
        _ checkpoint: Checkpoint, _ entry: ModelEntry, elsewhere: Set<MixtureCell>, team: ComputeTeam,
        progress: @escaping @Sendable (Double) -> Void
    ) throws(WorkerFault) -> LanguageModel {
        do {
            return try LanguageModel.load(
                checkpoint, mode: entry.mode, team: team, elsewhere: elsewhere, progress: progress)
        } catch {
            throw WorkerFault("model \(entry.name): \(error.description)")
        }
    }

    /// Checks the placement.
    private static func spread(
        _ mixture: MixtureEntry, of entry: ModelEntry, _ topology: ClusterTopology, _ checkpoint: Checkpoint,
        hashes: [SHA256Digest]
    ) throws(WorkerFault) -> MixtureSet {
        do {
            _ = try MixturePlan(topology, entry, checkpoint)
            guard let shape = checkpoint.configuration.mixture else { preconditionFailure("a plan without a mixture") }
            return MixtureSet(
                checkpoint, shape, mixture, model: entry.name,
                contract: MixtureContract(checkpoint.configuration, shape, entry.mode),
                hashes: try MixtureShard.hashes(shape.cells, of: checkpoint, digests: hashes))
        } catch { throw WorkerFault("model \(entry.name): \(error)") }
    }

    private static func spreadContent(
        of checkpoint: Checkpoint, _ entry: ModelEntry, _ topology: ClusterTopology, team: ComputeTeam
    ) throws(WorkerFault) -> SpreadContent {
        do {
            return try SpreadContent.read(
                checkpoint, checkpoint.configuration.mixture?.cells ?? [],
                list: topology.paths.contentList(of: entry.name), team: team)
        } catch { throw WorkerFault("model \(entry.name): \(error)") }
    }

    /// Of the weight file; of several, of their digests in order.
    private static func digest(of checkpoint: Checkpoint) throws(WorkerFault) -> SHA256Digest {
        do {
            let digests = try checkpoint.files.map { try SHA256Digest(ofFileAt: $0) }
            return digests.count == 1 ? digests[0] : SHA256Digest(of: digests.flatMap(\.bytes))
        } catch {
            throw WorkerFault("\(error)")
        }
    }
}

/// Why a worker cannot serve.
package struct WorkerFault: Error, Sendable, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}

extension CapacityMode {
    fileprivate init(_ entry: CapacityEntry?) {
        switch entry?.rule {
        case nil: self = .dropless
        case .colossal: self = .colossal(factor: entry?.factor ?? 1)
        case .flaxformer: self = .flaxformer(factor: entry?.factor ?? 1)
        }
    }
}
