import Digest
import Foundation
import Weights

/// Writes what `MasterFolder` reads (Documentation/Graph.md): the rows of functional tokens, what they are called, and beside them an adapter
/// where more than rows were trained.
package struct TrainedMaster: Sendable {
    package struct Token: Sendable, Equatable, Codable {
        package let token: String
        package let description: String

        package init(token: String, description: String) {
            self.token = token
            self.description = description
        }
    }

    /// The adapter that goes into the folder.
    package enum Adapter {
        case none
        case trained(ImportedAdapter)
        /// The files of another master, byte for byte.
        case copied(from: String)
    }

    private let trunkHash: SHA256Digest
    private let temperature: Double
    private let tokens: [Token]
    private let embedding: [Float]
    private let head: [Float]?

    /// - Parameters:
    ///   - temperature: fitted on natural queries; positive and finite.
    ///   - tokens: in the order of the rows.
    ///   - embedding: [tokens, hidden]
    ///   - head: likewise; nil where the trunk ties the two.
    package init(
        trunkHash: SHA256Digest, temperature: Double, tokens: [Token], embedding: [Float], head: [Float]?
    ) {
        precondition((1...MasterFolder.tokensMax).contains(tokens.count) && embedding.count % tokens.count == 0)
        precondition(head.map { $0.count == embedding.count } ?? true && temperature > 0 && temperature.isFinite)
        self.trunkHash = trunkHash
        self.temperature = temperature
        self.tokens = tokens
        self.embedding = embedding
        self.head = head
    }

    private struct Settings: Encodable {
        let version = 1
        let trunkSha256: String
        let temperature: Double
        let tokens: [Token]
    }

    /// The folder appears whole; it must not exist.
    package func write(
        to folder: String, adapter: Adapter, trunkName: String, notes: [UInt8]
    ) throws(ExpertStoreError) {
        try StagedFolder(folder).fill { staging throws(ExpertStoreError) in
            try Self.write(adapter, trunkName, to: staging)
            var writer = SafetensorsWriter(metadata: ["format": "pt"])
            let shape = [tokens.count, embedding.count / tokens.count]
            writer.add("embedding", shape: shape, embedding)
            if let head { writer.add("head", shape: shape, head) }
            try PEFTFolder.write(writer.bytes(), to: "\(staging)/\(MasterFolder.rowsFile)")
            try PEFTFolder.writeJSON(
                Settings(trunkSha256: trunkHash.hex, temperature: temperature, tokens: tokens),
                to: "\(staging)/\(MasterFolder.descriptionFile)")
            try PEFTFolder.write(notes, to: "\(staging)/\(TrainedExpert.notesFile)")
        }
    }

    private static func write(
        _ adapter: Adapter, _ trunkName: String, to staging: String
    ) throws(ExpertStoreError) {
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
    }
}
