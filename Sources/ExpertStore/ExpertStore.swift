import Digest
import Foundation
import SystemReasons
import Weights

/// Experts on disk: `<store>/<trunk>/<name>/expert.yaml`.
package enum ExpertStore {
    static let expertsMax = 4096

    /// The experts at `path`: an expert's folder, a trunk's folder of experts, or a whole store; sorted by path.
    package static func list(_ path: String) throws(ExpertStoreError) -> [StoredExpert] {
        if isExpert(path) { return [try StoredExpert(folder: path)] }
        var folders: [String] = []
        for child in try subfolders(path) {
            if isExpert(child) { folders.append(child) } else { folders += try subfolders(child).filter(isExpert) }
        }
        guard !folders.isEmpty else {
            throw ExpertStoreError(
                .missing, file: path, field: ExpertManifest.fileName,
                "no expert here; a plain adapter is brought in with `skein expert import`")
        }
        guard folders.count <= expertsMax else {
            throw ExpertStoreError(
                .malformed, file: path, field: "folders", "\(folders.count) experts, at most \(expertsMax)")
        }
        var result: [StoredExpert] = []
        for folder in folders { result.append(try StoredExpert(folder: folder)) }
        return result
    }

    /// The set of experts at several paths, in its order: by name, so that an expert's index is its id in routing.
    /// All must be made for one trunk, and no two may have one name.
    package static func set(
        _ paths: [String], trunkHash: SHA256Digest? = nil
    ) throws(ExpertStoreError) -> [StoredExpert] {
        var experts: [StoredExpert] = []
        for path in paths { experts += try list(path) }
        experts.sort { ($0.name, $0.folder) < ($1.name, $1.folder) }
        for (one, other) in zip(experts, experts.dropFirst()) where one.name == other.name {
            throw ExpertStoreError(
                .nameTaken, file: other.folder, field: "name", "\(one.folder) is also called \(one.name); leave one out"
            )
        }
        if let hash = trunkHash ?? experts.first?.manifest.trunk.hash {
            for expert in experts { try expert.check(trunkHash: hash) }
        }
        return experts
    }

    /// The SHA-256 of the lines `<content hash>  <name>` in the set's order: one for one ordered set of versions.
    package static func setHash(_ experts: [StoredExpert]) -> SHA256Digest {
        let lines = experts.map { "\($0.manifest.contentHash.hex)  \($0.name)\n" }
        return SHA256Digest(of: Array(lines.joined().utf8))
    }

    /// The hash that manifests name a trunk by: of its weight file; of several, of their digests in order.
    package static func hash(of trunk: Checkpoint) throws(ExpertStoreError) -> SHA256Digest {
        var digests: [SHA256Digest] = []
        for file in trunk.files { digests.append(try StoredExpert.digest(file)) }
        return digests.count == 1 ? digests[0] : SHA256Digest(of: digests.flatMap(\.bytes))
    }

    static func isExpert(_ folder: String) -> Bool {
        FileManager.default.fileExists(atPath: "\(folder)/\(ExpertManifest.fileName)")
    }

    /// Folders directly in `path`, sorted; those whose name begins with a dot are left out.
    static func subfolders(_ path: String) throws(ExpertStoreError) -> [String] {
        let names: [String]
        do { names = try FileManager.default.contentsOfDirectory(atPath: path) } catch {
            throw ExpertStoreError(.unreadable, file: path, field: "folder", SystemReason.text(of: error))
        }
        return names.filter { !$0.hasPrefix(".") }.sorted().map { "\(path)/\($0)" }.filter(isFolder)
    }

    /// The entry `.` is there only in a folder; links to folders count.
    static func isFolder(_ path: String) -> Bool { FileManager.default.fileExists(atPath: "\(path)/.") }
}
