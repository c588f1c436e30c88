import Digest
import Foundation
import Weights

/// One expert in its folder, with its manifest read and nothing else.
package struct StoredExpert: Sendable {
    package let folder: String
    package let manifest: ExpertManifest

    package var name: String { manifest.name }
    package var id: String { manifest.id }

    /// The expert in `folder`, whose last part must be the expert's name.
    package init(folder: String) throws(ExpertStoreError) {
        let manifest = try ExpertManifest(folder: folder)
        let folderName = URL(filePath: folder).standardizedFileURL.lastPathComponent
        guard folderName == manifest.name else {
            throw ExpertStoreError(
                .malformed, file: "\(folder)/\(ExpertManifest.fileName)", field: "name",
                "is \(manifest.name), the folder is called \(folderName)")
        }
        self.folder = folder
        self.manifest = manifest
        try checkListing()
    }

    /// The adapter must be listed, and no file that a reader would open may be unlisted.
    private func checkListing() throws(ExpertStoreError) {
        let file = "\(folder)/\(ExpertManifest.fileName)"
        for required in [AdapterFolder.configurationFile, AdapterFolder.weightsFile]
        where manifest.files[required] == nil {
            throw ExpertStoreError(.missing, file: file, field: "files.\(required)", "every LoRA expert has this file")
        }
        for sidecar in SiteVectors.Kind.allCases.map(\.fileName) + [GateConfiguration.fileName]
        where manifest.files[sidecar] == nil && FileManager.default.fileExists(atPath: "\(folder)/\(sidecar)") {
            throw ExpertStoreError(
                .hashMismatch, file: "\(folder)/\(sidecar)", field: "file",
                "is there, but the manifest does not list it")
        }
        for name in manifest.files.keys.sorted() where !FileManager.default.fileExists(atPath: "\(folder)/\(name)") {
            throw ExpertStoreError(.missing, file: "\(folder)/\(name)", field: "file", "the manifest lists it")
        }
    }

    /// Opens the adapter with its gates and prototypes, memory-mapped.
    ///
    /// - Parameter hashing: whether the weight file is compared with the hash that the gates name; not needed after
    ///   `verify`.
    package func adapter(hashing: Bool = true) throws(ExpertStoreError) -> AdapterFolder {
        try readingWeights { () throws(WeightsError) in try AdapterFolder.open(folder, hashing: hashing) }
    }

    /// Refuses an expert made for a trunk with another hash.
    package func check(trunkHash: SHA256Digest) throws(ExpertStoreError) {
        guard manifest.trunk.hash == trunkHash else {
            throw ExpertStoreError(
                .otherTrunk, file: "\(folder)/\(ExpertManifest.fileName)", field: "trunk.sha256",
                "\(name) was made for \(manifest.trunk.name) (\(manifest.trunk.hash.hex.prefix(12))…), this trunk is "
                    + "\(trunkHash.hex.prefix(12))…")
        }
    }

    /// Hashes every file, reads every number, and compares shapes with the trunk where one is given.
    ///
    /// - Returns: the adapter, which needs no further check.
    @discardableResult
    package func verify(
        trunk: (configuration: ModelConfiguration, hash: SHA256Digest)? = nil
    ) throws(ExpertStoreError) -> AdapterFolder {
        if let trunk { try check(trunkHash: trunk.hash) }
        for (name, expected) in manifest.files.sorted(by: { $0.key < $1.key }) {
            let actual = try Self.digest("\(folder)/\(name)")
            guard actual == expected else {
                throw ExpertStoreError(
                    .hashMismatch, file: "\(folder)/\(name)", field: "SHA-256",
                    "is \(actual), the manifest says \(expected); restore the file or import the adapter again")
            }
        }
        let adapter = try adapter()
        try readingWeights { () throws(WeightsError) in
            try adapter.checkFinite()
            if let trunk { try adapter.check(against: trunk.configuration) }
        }
        return adapter
    }

    static func digest(_ path: String) throws(ExpertStoreError) -> SHA256Digest {
        do { return try SHA256Digest(ofFileAt: path) } catch {
            throw ExpertStoreError(.unreadable, file: path, field: error.what, error.detail)
        }
    }
}
