import Digest
import ExpertStore
import Foundation

/// A copy of a shipped expert that can be damaged, with a manifest that says what is there.
struct ExpertCopy {
    let folder: String

    /// - Parameter parent: an existing folder.
    init(of name: String, in parent: String) throws {
        folder = "\(parent)/\(name)"
        try FileManager.default.copyItem(atPath: "\(try Places.experts())/\(name)", toPath: folder)
    }

    var contentHash: String { get throws { try ExpertManifest(folder: folder).contentHash.hex } }

    func file(_ name: String) -> String { "\(folder)/\(name)" }

    func remove(_ names: String...) throws {
        for name in names { try FileManager.default.removeItem(atPath: file(name)) }
        try rewrite()
    }

    /// Overwrites the end of a file.
    func damage(_ name: String, with bytes: [UInt8]) throws {
        var data = try Data(contentsOf: URL(filePath: file(name)))
        data.replaceSubrange(data.count - bytes.count..<data.count, with: bytes)
        try data.write(to: URL(filePath: file(name)))
    }

    /// The manifest of what is there now.
    func rewrite(trunk: SHA256Digest? = nil) throws {
        let old = try ExpertManifest(folder: folder)
        var files: [String: SHA256Digest] = [:]
        for name in old.files.keys where FileManager.default.fileExists(atPath: file(name)) {
            files[name] = try SHA256Digest(ofFileAt: file(name))
        }
        let new = ExpertManifest(
            name: old.name, trunk: ExpertManifest.Trunk(name: old.trunk.name, hash: trunk ?? old.trunk.hash),
            files: files, licence: old.licence, provenance: old.provenance)
        try new.yaml.write(toFile: file(ExpertManifest.fileName), atomically: true, encoding: .utf8)
    }
}
