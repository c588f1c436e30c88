import Digest
import Foundation
import Weights

/// A master as it is learned and written down (Documentation/Graph.md; whoever serves one opens it with `MasterFolder`): the rows of its functional tokens, what they are called, and beside them an adapter where
/// more than rows were trained.
package struct TrainedMaster: Sendable {
    package static let settingsFile = "functional_tokens.json"
    package static let rowsFile = "functional_tokens.safetensors"
    package static let tokensMax = 1024
    static let version = 1

    package struct Token: Sendable, Equatable, Codable {
        package let token: String
        package let description: String

        package init(token: String, description: String) {
            self.token = token
            self.description = description
        }
    }

    package let trunkHash: SHA256Digest
    /// Fitted on natural queries; positive and finite.
    package let temperature: Double
    /// In the order of the rows.
    package let tokens: [Token]
    /// [tokens, hidden]
    package let embedding: [Float]
    /// [tokens, hidden]; nil where the trunk ties the two.
    package let head: [Float]?

    package init(
        trunkHash: SHA256Digest, temperature: Double, tokens: [Token], embedding: [Float], head: [Float]?
    ) {
        precondition(!tokens.isEmpty && embedding.count % tokens.count == 0 && temperature > 0 && temperature.isFinite)
        precondition(head.map { $0.count == embedding.count } ?? true)
        self.trunkHash = trunkHash
        self.temperature = temperature
        self.tokens = tokens
        self.embedding = embedding
        self.head = head
    }

    private struct Settings: Codable {
        let version: Int
        let trunkSha256: String
        let temperature: Double
        let tokens: [Token]
    }
}

extension TrainedMaster {
    /// Reads and checks the rows and their settings; the adapter is `AdapterFolder`'s, where `hasAdapter`.
    package init(
        folder: String, trunk: ModelConfiguration, trunkHash: SHA256Digest
    ) throws(ExpertStoreError) {
        let path = "\(folder)/\(Self.settingsFile)"
        let settings = try Self.settings(path)
        self.trunkHash = trunkHash
        guard settings.trunkSha256 == trunkHash.hex else {
            throw ExpertStoreError(
                .otherTrunk, file: path, field: "trunk_sha256",
                "is \(settings.trunkSha256.prefix(12))…, this trunk is \(trunkHash.hex.prefix(12))…; give the trunk it was trained beside"
            )
        }
        temperature = settings.temperature
        tokens = settings.tokens
        let rows = "\(folder)/\(Self.rowsFile)"
        let shape = [settings.tokens.count, trunk.hiddenSize]
        let file = try readingWeights { () throws(WeightsError) in try SafetensorsFile(path: rows) }
        embedding = try readingWeights { () throws(WeightsError) in try Self.rows("embedding", shape, file) }
        head =
            try trunk.tiedEmbeddings
            ? nil : readingWeights { () throws(WeightsError) in try Self.rows("head", shape, file) }
    }

    package static func hasAdapter(_ folder: String) -> Bool {
        FileManager.default.fileExists(atPath: "\(folder)/\(AdapterFolder.configurationFile)")
    }

    private static func settings(_ path: String) throws(ExpertStoreError) -> Settings {
        let data = try PEFTFolder.fileSystem(path) { try Data(contentsOf: URL(filePath: path)) }
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let settings: Settings
        do { settings = try decoder.decode(Settings.self, from: data) } catch {
            throw ExpertStoreError(
                .malformed, file: path, field: "JSON",
                "not an object with version, trunk_sha256, temperature and tokens of {token, description}")
        }
        let names = settings.tokens.map(\.token)
        let faults: [(Bool, String, String)] = [
            (settings.version == version, "version", "is \(settings.version); this program reads \(version)"),
            ((1...tokensMax).contains(names.count), "tokens", "\(names.count) of them, expected 1 to \(tokensMax)"),
            (Set(names).count == names.count && !names.contains(""), "tokens", "one is empty or there twice"),
            (settings.temperature > 0 && settings.temperature.isFinite, "temperature", "must be positive and finite"),
        ]
        for (isGood, field, detail) in faults where !isGood {
            throw ExpertStoreError(.malformed, file: path, field: field, detail)
        }
        return settings
    }

    private static func rows(
        _ name: String, _ shape: [Int], _ file: SafetensorsFile
    ) throws(WeightsError) -> [Float] {
        let tensor = try file.tensor(name)
        guard tensor.shape == shape, tensor.type == .float32 else {
            throw WeightsError(
                .inconsistent, file: file.path, field: name,
                "is \(tensor.type.name) \(tensor.shape), expected F32 \(shape)")
        }
        try tensor.checkFinite(file: file.path)
        return tensor.floats()
    }
}

extension TrainedMaster {
    /// The adapter that goes into the folder.
    package enum Adapter {
        case none
        case trained(ImportedAdapter)
        /// The files of another master, byte for byte.
        case copied(from: String)
    }

    /// The folder appears whole; it must not exist.
    package func write(
        to folder: String, adapter: Adapter, trunkName: String, notes: [UInt8]
    ) throws(ExpertStoreError) {
        try StagedFolder(folder).fill { staging throws(ExpertStoreError) in
            switch adapter {
            case .none: break
            case .trained(let adapter): try PEFTFolder.write(adapter, trunkName: trunkName, to: staging)
            case .copied(let source):
                for name in [AdapterFolder.configurationFile, AdapterFolder.weightsFile] {
                    try PEFTFolder.fileSystem("\(source)/\(name)") {
                        try FileManager.default.copyItem(atPath: "\(source)/\(name)", toPath: "\(staging)/\(name)")
                    }
                }
            }
            var writer = SafetensorsWriter(metadata: ["format": "pt"])
            let shape = [tokens.count, embedding.count / tokens.count]
            writer.add("embedding", shape: shape, embedding)
            if let head { writer.add("head", shape: shape, head) }
            try PEFTFolder.write(writer.bytes(), to: "\(staging)/\(Self.rowsFile)")
            try PEFTFolder.writeJSON(
                Settings(
                    version: Self.version, trunkSha256: trunkHash.hex, temperature: temperature, tokens: tokens),
                to: "\(staging)/\(Self.settingsFile)")
            try PEFTFolder.write(notes, to: "\(staging)/\(TrainedExpert.notesFile)")
        }
    }
}
