import Digest
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
    let contextTokens: Int

    /// Reads and verifies the file while the weights are packed from it.
    static func load(
        _ entry: ModelEntry, team: ComputeTeam, progress: @escaping @Sendable (Double) -> Void
    ) throws(WorkerFault) -> HostedModel {
        let checkpoint = try opened(entry)
        let digest = try digest(of: checkpoint)
        if let expected = entry.sha256, digest.hex != expected {
            throw WorkerFault(
                "model \(entry.name), \(entry.file): its SHA-256 is \(digest.hex), the topology says \(expected); "
                    + "fetch the file again, or correct the topology")
        }
        return HostedModel(
            name: entry.name, model: try packed(checkpoint, entry, team: team, progress: progress), sha256: digest,
            contextTokens: min(
                entry.contextTokens ?? checkpoint.configuration.contextLength, checkpoint.configuration.contextLength))
    }

    var holding: ModelHolding {
        ModelHolding(
            model: name, sha256: sha256.hex, contextLength: UInt32(clamping: contextTokens),
            vocabulary: UInt32(clamping: model.vocabularySize))
    }

    var endTokens: Set<Int32> { Set(model.configuration.endTokens.map { Int32(clamping: $0) }) }

    /// - Parameter cacheBytes: this model's share of the worker's bound.
    func engine(capacity: Int, cacheBytes: Int, team: ComputeTeam) throws(EngineLimitsError) -> Engine {
        var limits = EngineLimits()
        limits.sequencesMax = min(capacity, limits.tokensPerStepMax)
        limits.waitingMax = capacity
        limits.contextMax = contextTokens
        limits.keyValuePagesMax = max(1, cacheBytes / bytesPerPage)
        return try Engine(model: model, limits: limits, team: team)
    }

    /// Keys and values of one page, f32, all layers.
    private var bytesPerPage: Int {
        let configuration = model.configuration
        let perPosition = configuration.layerCount * configuration.keyValueHeadCount * configuration.headDimension
        return 2 * 4 * perPosition * KeyValuePages.positionsPerPage
    }

    private static func opened(_ entry: ModelEntry) throws(WorkerFault) -> Checkpoint {
        do { return try Checkpoint.open(entry.file) } catch {
            throw WorkerFault("model \(entry.name): \(error.description)")
        }
    }

    private static func packed(
        _ checkpoint: Checkpoint, _ entry: ModelEntry, team: ComputeTeam,
        progress: @escaping @Sendable (Double) -> Void
    ) throws(WorkerFault) -> LanguageModel {
        let mode: Inference.ComputeMode = entry.compute == .exact ? .exact : .fast
        do { return try LanguageModel.load(checkpoint, mode: mode, team: team, progress: progress) } catch {
            throw WorkerFault("model \(entry.name): \(error.description)")
        }
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
