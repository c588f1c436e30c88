import Digest
import Foundation
import SystemReasons

/// Experts by the hash of their content, `<folder>/<hash>/<name>/`: what came over the wire, to whom the path of its origin means
/// nothing. A folder appears under its hash complete or not at all, so that several processes may share a store.
package struct ContentStore: Sendable {
    package static let fileBytesMax: UInt64 = 4 << 30
    package static let manifestBytesMax: UInt64 = 1 << 20
    /// Parts that are asked for and have not come.
    static let creditMax = 4

    package let folder: String

    package init(folder: String) { self.folder = folder }

    /// The expert with this content, if it is in the store; from now on it counts as used. Its files are verified by whoever loads
    /// them.
    package func find(_ sha256: String, name: String) -> StoredExpert? {
        guard let found = Self.expert(in: place(sha256, name), sha256) else { return nil }
        try? FileManager.default.setAttributes([.modificationDate: Date()], ofItemAtPath: "\(folder)/\(sha256)")
        return found
    }

    /// The expert in a folder, if its content is what is wanted.
    package static func expert(in folder: String, _ sha256: String) -> StoredExpert? {
        guard let stored = try? StoredExpert(folder: folder), stored.manifest.contentHash.hex == sha256 else {
            return nil
        }
        return stored
    }

    /// Takes an expert in: its manifest first, which must have the hash, then every file that it lists.
    package func take(
        _ sha256: String, name: String, from source: some ContentSource
    ) throws(ExpertStoreError) -> StoredExpert {
        if let held = find(sha256, name: name) { return held }
        let staging = "\(folder)/.\(sha256.prefix(12))-\(UUID().uuidString.prefix(8))"
        defer { try? FileManager.default.removeItem(atPath: staging) }
        let copy = "\(staging)/\(name)"
        try Self.makeFolder(copy)
        try IncomingFile(ExpertManifest.fileName, in: copy, bytesMax: Self.manifestBytesMax).take(from: source)
        let manifest = try ExpertManifest(folder: copy)
        guard manifest.contentHash.hex == sha256, manifest.name == name else {
            throw ExpertStoreError(
                .hashMismatch, file: "\(name)/\(ExpertManifest.fileName)", field: "content",
                "is \(manifest.name) with \(manifest.contentHash.hex.prefix(12))…, not \(name) with \(sha256.prefix(12))…"
            )
        }
        for (file, digest) in manifest.files.sorted(by: { $0.key < $1.key }) {
            try IncomingFile(file, in: copy, bytesMax: Self.fileBytesMax).take(from: source)
            let actual = try StoredExpert.digest("\(copy)/\(file)")
            guard actual == digest else {
                throw ExpertStoreError(
                    .hashMismatch, file: "\(name)/\(file)", field: "SHA-256",
                    "is \(actual), the manifest says \(digest); something has changed it on the way or before")
            }
        }
        return try settle(staging, sha256, name)
    }

    private func settle(_ staging: String, _ sha256: String, _ name: String) throws(ExpertStoreError) -> StoredExpert {
        do { try FileManager.default.moveItem(atPath: staging, toPath: "\(folder)/\(sha256)") } catch {
            // Another process was quicker, which is as good.
            if let held = find(sha256, name: name) { return held }
            throw ExpertStoreError(
                .unreadable, file: "\(folder)/\(sha256)", field: "folder",
                "cannot be written: \(SystemReason.text(of: error))")
        }
        return try StoredExpert(folder: place(sha256, name))
    }

    private func place(_ sha256: String, _ name: String) -> String { "\(folder)/\(sha256)/\(name)" }

    private static func makeFolder(_ path: String) throws(ExpertStoreError) {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw ExpertStoreError(
                .unreadable, file: path, field: "folder", "cannot be made: \(SystemReason.text(of: error))")
        }
    }
}

/// Where the files of one expert come from, part by part. Answers come in the order of the questions.
package protocol ContentSource {
    /// Asks for the part that begins at an offset.
    func ask(_ file: String, offset: UInt64)
    /// Waits for the next answer.
    func next() throws(ExpertStoreError) -> ContentPiece
}

/// Bytes of a file, from an offset on.
package struct ContentPiece: Sendable {
    package let file: String
    package let offset: UInt64
    /// Of the whole file, in bytes.
    package let size: UInt64
    package let bytes: [UInt8]

    package init(file: String, offset: UInt64, size: UInt64, bytes: [UInt8]) {
        self.file = file
        self.offset = offset
        self.size = size
        self.bytes = bytes
    }
}
