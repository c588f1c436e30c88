import Digest
import Foundation
import Weights

/// How gates were made: what `phatgoose_config.json` says of them.
package struct GateOrigin: Sendable {
    /// `training` (arXiv 2402.05859) or `prompts` (mean activations, no training).
    package let method: String
    package let steps: Int?
    package let learningRate: Double?
    package let tokensPerStep: Int?
    package let seed: UInt64?
    package let label: String?

    package init(
        method: String, steps: Int? = nil, learningRate: Double? = nil, tokensPerStep: Int? = nil, seed: UInt64? = nil,
        label: String? = nil
    ) {
        self.method = method
        self.steps = steps
        self.learningRate = learningRate
        self.tokensPerStep = tokensPerStep
        self.seed = seed
        self.label = label
    }
}

/// Puts gates beside an adapter: the sidecar, its settings, and the manifest's lines of them. The adapter stays byte for byte.
package struct GateSidecar {
    package let folder: String
    package let adapter: AdapterFolder
    /// Of the adapter's weight file when this was opened.
    package let hash: SHA256Digest

    /// - Parameter replaces: whether gates that are there may go.
    package init(folder: String, replaces: Bool) throws(ExpertStoreError) {
        self.folder = folder
        adapter = try readingWeights { () throws(WeightsError) in try AdapterFolder.open(folder) }
        hash = try StoredExpert.digest(adapter.weightsPath)
        guard replaces || adapter.gates == nil else {
            throw ExpertStoreError(
                .nameTaken, file: "\(folder)/\(SiteVectors.Kind.gate.fileName)", field: "file",
                "the expert has gates already; --replace puts others in their place")
        }
    }

    /// - Throws: `hashMismatch` where the adapter has changed since: only gates may.
    package func write(_ gates: [String: [Float]], _ origin: GateOrigin) throws(ExpertStoreError) {
        let now = try StoredExpert.digest(adapter.weightsPath)
        guard now == hash else {
            throw ExpertStoreError(
                .hashMismatch, file: adapter.weightsPath, field: "SHA-256",
                "was \(hash) when the gates were begun and is \(now); they belong to the first, and nothing was written"
            )
        }
        precondition(Set(gates.keys) == Set(adapter.sites), "gates are not those of the adapter's sites")
        var writer = SafetensorsWriter()
        for (site, gate) in gates { writer.add(SiteVectors.Kind.gate.tensorName(site), shape: [gate.count], gate) }
        try PEFTFolder.write(writer.bytes(), to: "\(folder)/\(SiteVectors.Kind.gate.fileName)")
        try PEFTFolder.writeJSON(
            GateDocument(adapterSha256: hash.hex, baseModel: adapter.configuration.baseModel, origin: origin),
            to: "\(folder)/\(GateConfiguration.fileName)")
        try updateManifest()
    }

    private func updateManifest() throws(ExpertStoreError) {
        guard ExpertStore.isExpert(folder) else { return }
        let old = try ExpertManifest(folder: folder)
        var files = old.files
        for name in [SiteVectors.Kind.gate.fileName, GateConfiguration.fileName] {
            files[name] = try StoredExpert.digest("\(folder)/\(name)")
        }
        let new = ExpertManifest(
            name: old.name, kind: old.kind, trunk: old.trunk, files: files, licence: old.licence,
            provenance: old.provenance)
        try PEFTFolder.write(Array(new.yaml.utf8), to: "\(folder)/\(ExpertManifest.fileName)")
    }
}

/// `phatgoose_config.json`, in camel case.
private struct GateDocument: Encodable {
    let format = GateConfiguration.format
    let adapterSha256: String
    let baseModel: String?
    let method: String
    let gateSteps: Int?
    let gateLr: Double?
    let tokensPerStep: Int?
    let seed: UInt64?
    let label: String?
    let normalisation = "layernorm"
    let eps = 1e-5
    let topK = 2

    init(adapterSha256: String, baseModel: String?, origin: GateOrigin) {
        self.adapterSha256 = adapterSha256
        self.baseModel = baseModel
        method = origin.method
        gateSteps = origin.steps
        gateLr = origin.learningRate
        tokensPerStep = origin.tokensPerStep
        seed = origin.seed
        label = origin.label
    }
}
