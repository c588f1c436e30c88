import Digest
import Foundation
import Weights

/// What makes a PEFT folder an expert: everything in it checked, prototypes where there are none, and the manifest.
struct ExpertSeal {
    let name: String
    let trunkName: String
    let trunk: ModelConfiguration
    let trunkHash: SHA256Digest
    let licence: String
    let provenance: [String: String]

    func apply(to folder: String) throws(ExpertStoreError) {
        let adapter = try readingWeights { () throws(WeightsError) in
            let adapter = try AdapterFolder.open(folder)
            try adapter.check(against: trunk)
            try adapter.checkFinite()
            return adapter
        }
        if adapter.prototypes == nil {
            let hash = try StoredExpert.digest(adapter.weightsPath)
            try PEFTFolder.write(
                Prototypes.file(for: adapter, hash: hash.hex), to: "\(folder)/\(SiteVectors.Kind.arrow.fileName)")
        }
        var files: [String: SHA256Digest] = [:]
        for file in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
            files[file] = try StoredExpert.digest("\(folder)/\(file)")
        }
        let manifest = ExpertManifest(
            name: name, trunk: .init(name: trunkName, hash: trunkHash), files: files, licence: licence,
            provenance: provenance)
        try PEFTFolder.write(Array(manifest.yaml.utf8), to: "\(folder)/\(ExpertManifest.fileName)")
    }
}
