import Digest
import Foundation
import Weights

/// Brings an adapter into a store: copied or converted beside its final place, checked whole, then renamed into it, so that
/// a store never holds half an expert.
package struct ExpertImport {
    /// A PEFT folder, a LoRA of llama.cpp (`.gguf`), or `.safetensors` with the key names of mttl or r-three.
    package var source: String
    package var store: String
    package var name: String
    package var trunkName: String
    package var trunk: ModelConfiguration
    package var trunkHash: SHA256Digest
    package var licence: String
    package var provenance: [String: String]
    /// Which expert of a file that holds several.
    package var expert: String?
    /// For formats that do not store it.
    package var alpha: Double?

    package init(
        source: String, store: String, name: String, trunkName: String, trunk: ModelConfiguration,
        trunkHash: SHA256Digest, licence: String = "unknown", provenance: [String: String] = [:], expert: String? = nil,
        alpha: Double? = nil
    ) {
        self.source = source
        self.store = store
        self.name = name
        self.trunkName = trunkName
        self.trunk = trunk
        self.trunkHash = trunkHash
        self.licence = licence
        self.provenance = provenance
        self.expert = expert
        self.alpha = alpha
    }

    /// How an expert was trained, for people.
    private static let notesFile = "training.json"
    /// Of a file that is copied.
    private static let fileBytesMax = 4 << 30

    private var trunkFolder: String { "\(store)/\(trunkName)" }

    /// Does it; nothing is left behind where it is refused.
    package func run() throws(ExpertStoreError) -> StoredExpert {
        try checkPlace()
        let staging = "\(trunkFolder)/.\(name).\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: staging) }
        try PEFTFolder.fileSystem(staging) {
            try FileManager.default.createDirectory(atPath: staging, withIntermediateDirectories: true)
        }
        try fill(staging)
        do throws(ExpertStoreError) { try finish(staging) } catch {
            // The copy is gone when somebody reads this.
            let file = ExpertStore.isFolder(source) ? error.file.replacing(staging, with: source) : source
            throw ExpertStoreError(error.reason, file: file, field: error.field, error.detail)
        }
        let place = "\(trunkFolder)/\(name)"
        try PEFTFolder.fileSystem(place) { try FileManager.default.moveItem(atPath: staging, toPath: place) }
        return try StoredExpert(folder: place)
    }

    private func checkPlace() throws(ExpertStoreError) {
        for (field, text) in [("name", name), ("trunk", trunkName)] where !ExpertManifest.isName(text) {
            throw ExpertStoreError(
                .malformed, file: source, field: field, "\(text) is not 1 to 64 of A-Z a-z 0-9 . _ -")
        }
        guard !FileManager.default.fileExists(atPath: "\(trunkFolder)/\(name)") else {
            throw ExpertStoreError(
                .nameTaken, file: "\(trunkFolder)/\(name)", field: "name",
                "there is an expert \(name); choose another name")
        }
        guard ExpertStore.isFolder(trunkFolder) else { return }
        for folder in try ExpertStore.subfolders(trunkFolder) where ExpertStore.isExpert(folder) {
            try StoredExpert(folder: folder).check(trunkHash: trunkHash)
        }
    }

    private func fill(_ staging: String) throws(ExpertStoreError) {
        if ExpertStore.isFolder(source) { return try copy(to: staging) }
        if source.hasSuffix(".gguf") {
            return try write(
                try readingWeights { () throws(WeightsError) in try ImportedAdapter.gguf(path: source, trunk: trunk) },
                to: staging)
        }
        guard source.hasSuffix(".safetensors") else {
            throw ExpertStoreError(
                .unsupported, file: source, field: "format",
                "is neither a folder nor .gguf nor .safetensors; a pickle (.bin, .pt, .pkl) runs code when it is read: "
                    + "save it as safetensors first")
        }
        guard let alpha, alpha.isFinite else {
            throw ExpertStoreError(
                .missing, file: source, field: "alpha", "the format does not store it: give --alpha (s = alpha / rank)")
        }
        try write(
            try readingWeights { () throws(WeightsError) in
                try ImportedAdapter.foreign(path: source, expert: expert, alpha: alpha)
            }, to: staging)
    }

    /// The files of a PEFT folder that count; others (optimizer states, READMEs) stay behind.
    private func copy(to staging: String) throws(ExpertStoreError) {
        guard FileManager.default.fileExists(atPath: "\(source)/\(AdapterFolder.weightsFile)") else {
            throw ExpertStoreError(
                .missing, file: "\(source)/\(AdapterFolder.weightsFile)", field: "file",
                "adapter_model.bin is a pickle and not read: save the adapter as safetensors")
        }
        let optional = SiteVectors.Kind.allCases.map(\.fileName) + [GateConfiguration.fileName, Self.notesFile]
        for name in [AdapterFolder.configurationFile, AdapterFolder.weightsFile] + optional {
            let from = "\(source)/\(name)"
            guard FileManager.default.fileExists(atPath: from) else {
                if optional.contains(name) { continue }
                throw ExpertStoreError(.missing, file: from, field: "file", "a PEFT adapter has this file")
            }
            // Nothing checks what is in this one: a link in it would bring any file of this machine into the store.
            guard name != Self.notesFile || !Self.isLink(from) else {
                throw ExpertStoreError(
                    .unsupported, file: from, field: "link", "is not followed; copy the file itself, or remove it")
            }
            let bytes = try readingWeights { () throws(WeightsError) in
                try RegularFile.bytes(from, bytesMax: Self.fileBytesMax)
            }
            try PEFTFolder.write(bytes, to: "\(staging)/\(name)")
        }
    }

    private static func isLink(_ path: String) -> Bool {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: path)) != nil
    }

    private func write(_ adapter: ImportedAdapter, to staging: String) throws(ExpertStoreError) {
        try PEFTFolder.write(adapter, trunkName: trunkName, to: staging)
    }

    private func finish(_ staging: String) throws(ExpertStoreError) {
        try ExpertSeal(
            name: name, trunkName: trunkName, trunk: trunk, trunkHash: trunkHash, licence: licence,
            provenance: provenance
        ).apply(to: staging)
    }
}
