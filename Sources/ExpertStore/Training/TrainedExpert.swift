import Digest
import Foundation
import Weights

/// Writes an adapter that was trained here as an expert: a folder that the `peft` library loads, with its manifest. It appears whole.
package struct TrainedExpert {
    package static let notesFile = "training.json"

    /// The expert's folder, whose last part is its name; it must not exist.
    let folder: String
    private let seal: ExpertSeal

    package init(
        folder: String, trunkName: String, trunk: ModelConfiguration, trunkHash: SHA256Digest, licence: String,
        provenance: [String: String]
    ) throws(ExpertStoreError) {
        let url = URL(filePath: folder).standardizedFileURL
        let name = url.lastPathComponent
        self.folder = url.path
        seal = ExpertSeal(
            name: name, trunkName: trunkName, trunk: trunk, trunkHash: trunkHash, licence: licence,
            provenance: provenance)
        for (field, text) in [("name", name), ("trunk", trunkName)] where !ExpertManifest.isName(text) {
            throw ExpertStoreError(
                .malformed, file: folder, field: field, "\(text) is not 1 to 64 of A-Z a-z 0-9 . _ -")
        }
        guard !FileManager.default.fileExists(atPath: self.folder) else {
            throw ExpertStoreError(
                .nameTaken, file: folder, field: "folder", "is there already; choose another --out, or take it away")
        }
    }

    /// - Parameter notes: `training.json`.
    package func write(_ adapter: ImportedAdapter, notes: [UInt8]) throws(ExpertStoreError) -> StoredExpert {
        try StagedFolder(folder).fill { staging throws(ExpertStoreError) in
            try PEFTFolder.write(adapter, trunkName: seal.trunkName, to: staging)
            try PEFTFolder.write(notes, to: "\(staging)/\(Self.notesFile)")
            try seal.apply(to: staging)
        }
        return try StoredExpert(folder: folder)
    }
}

/// A folder that is filled beside its place and renamed into it.
struct StagedFolder {
    private let place: String

    init(_ place: String) { self.place = place }

    func fill(_ body: (String) throws(ExpertStoreError) -> Void) throws(ExpertStoreError) {
        let url = URL(filePath: place).standardizedFileURL
        let staging = "\(url.deletingLastPathComponent().path)/.\(url.lastPathComponent).\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: staging) }
        try PEFTFolder.fileSystem(staging) {
            try FileManager.default.createDirectory(atPath: staging, withIntermediateDirectories: true)
        }
        try body(staging)
        try PEFTFolder.fileSystem(place) { try FileManager.default.moveItem(atPath: staging, toPath: url.path) }
    }
}
