import Digest
import Foundation
import SystemReasons
import Weights

/// A folder that the `peft` library loads: `adapter_config.json`, `adapter_model.safetensors`, and the gates beside them.
enum PEFTFolder {
    /// Writes into `folder`, which is made where it is missing.
    static func write(_ adapter: ImportedAdapter, trunkName: String, to folder: String) throws(ExpertStoreError) {
        try fileSystem(folder) {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        }
        try write(adapter.weightsFile(), to: "\(folder)/\(AdapterFolder.weightsFile)")
        let settings = adapter.settings
        try writeJSON(
            PEFTDocument(
                baseModelNameOrPath: trunkName, r: settings.rank, loraAlpha: settings.alpha,
                rankPattern: settings.ranks, alphaPattern: settings.alphas, targetModules: adapter.pairs.map(\.site)),
            to: "\(folder)/\(AdapterFolder.configurationFile)")
        guard let gates = adapter.gatesFile() else { return }
        try write(gates, to: "\(folder)/\(SiteVectors.Kind.gate.fileName)")
        let hash = try StoredExpert.digest("\(folder)/\(AdapterFolder.weightsFile)")
        try writeJSON(
            GateDocument(format: GateConfiguration.format, adapterSha256: hash.hex, baseModel: trunkName),
            to: "\(folder)/\(GateConfiguration.fileName)")
    }

    static func write(_ bytes: [UInt8], to path: String) throws(ExpertStoreError) {
        try fileSystem(path) { try Data(bytes).write(to: URL(filePath: path), options: .atomic) }
    }

    static func fileSystem<R>(_ path: String, _ body: () throws -> R) throws(ExpertStoreError) -> R {
        do { return try body() } catch {
            throw ExpertStoreError(.unreadable, file: path, field: "file", SystemReason.text(of: error))
        }
    }

    static func writeJSON(_ document: some Encodable, to path: String) throws(ExpertStoreError) {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        try fileSystem(path) { try encoder.encode(document).write(to: URL(filePath: path), options: .atomic) }
    }
}

/// `adapter_config.json` with the keys that PEFT itself needs, in camel case.
private struct PEFTDocument: Encodable {
    let peftType = "LORA"
    let taskType = "CAUSAL_LM"
    let bias = "none"
    let baseModelNameOrPath: String
    let r: Int
    let loraAlpha: Double
    let rankPattern: [String: Int]
    let alphaPattern: [String: Double]
    let targetModules: [String]
}

/// `phatgoose_config.json` of gates that came from elsewhere.
private struct GateDocument: Encodable {
    let format: Int
    let adapterSha256: String
    let baseModel: String
}
