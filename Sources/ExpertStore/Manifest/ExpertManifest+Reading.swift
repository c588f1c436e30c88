import Digest
import Foundation
import Weights
import Yams

extension ExpertManifest {
    private static let bytesMax = 1 << 18
    private static let filesMax = 64
    private static let provenanceMax = 64

    /// Reads the manifest of the expert in `folder`.
    package init(folder: String) throws(ExpertStoreError) {
        let path = "\(folder)/\(Self.fileName)"
        try self.init(yaml: Self.text(path), file: path)
    }

    private static func text(_ path: String) throws(ExpertStoreError) -> String {
        guard FileManager.default.fileExists(atPath: path) else {
            throw ExpertStoreError(
                .missing, file: path, field: "file", "an expert's folder has one; import the adapter")
        }
        let data = try readingWeights { () throws(WeightsError) in
            try RegularFile.bytes(path, bytesMax: bytesMax)
        }
        guard let text = String(validating: data, as: UTF8.self) else {
            throw ExpertStoreError(.malformed, file: path, field: "file", "is not UTF-8")
        }
        return text
    }

    /// Reads a manifest held in memory; `file` is what errors call it.
    package init(yaml: String, file: String) throws(ExpertStoreError) {
        let root = try ManifestSection(yaml: yaml, file: file)
        try root.allow(["format", "id", "name", "kind", "trunk", "files", "licence", "provenance"])
        let format = try root.text("format")
        guard format == "\(Self.format)" else {
            throw root.error(.unsupported, "format", "is \(format); this program reads \(Self.format)")
        }
        let name = try root.text("name")
        guard Self.isName(name) else {
            throw root.error(.malformed, "name", "\(name) is not 1 to 64 of A-Z a-z 0-9 . _ -")
        }
        let kindName = try root.text("kind")
        guard let kind = Kind(rawValue: kindName) else {
            throw root.error(
                .unsupported, "kind", "\(kindName); known are \(Kind.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        let trunk = try root.section("trunk")
        try trunk.allow(["name", "sha256"])
        let trunkName = try trunk.text("name")
        guard Self.isName(trunkName) else {
            throw trunk.error(.malformed, "name", "\(trunkName) is not a folder's name")
        }
        self.init(
            name: name, kind: kind, trunk: Trunk(name: trunkName, hash: try trunk.digest("sha256")),
            files: try Self.files(root), licence: try root.text("licence"),
            provenance: root.has("provenance") ? try root.section("provenance").texts(max: Self.provenanceMax) : [:])
        let id = try root.text("id")
        guard id == self.id else {
            throw root.error(.hashMismatch, "id", "is \(id), the files listed make it \(self.id)")
        }
    }

    private static func files(_ root: ManifestSection) throws(ExpertStoreError) -> [String: SHA256Digest] {
        let section = try root.section("files")
        var result: [String: SHA256Digest] = [:]
        for name in try section.texts(max: filesMax).keys.sorted() {
            guard isFileName(name) else { throw section.error(.malformed, name, "is not the plain name of a file") }
            result[name] = try section.digest(name)
        }
        return result
    }

    /// A name that cannot lead out of the folder.
    private static func isFileName(_ name: String) -> Bool {
        !name.hasPrefix(".") && (1...255).contains(name.utf8.count) && name != fileName
            && !name.utf8.contains { $0 == UInt8(ascii: "/") || $0 < 0x20 }
    }
}

/// One mapping of the manifest; anything missing or of the wrong form is an error that names it.
private struct ManifestSection {
    let mapping: Node.Mapping
    let file: String
    let path: String

    init(yaml: String, file: String) throws(ExpertStoreError) {
        let node: Node?
        do { node = try Parser(yaml: yaml).singleRoot() } catch {
            throw ExpertStoreError(.malformed, file: file, field: "YAML", Self.what(error))
        }
        guard case .mapping(let mapping) = node else {
            throw ExpertStoreError(.malformed, file: file, field: "YAML", "is not a mapping")
        }
        self.init(mapping: mapping, file: file, path: "")
    }

    private init(mapping: Node.Mapping, file: String, path: String) {
        self.mapping = mapping
        self.file = file
        self.path = path
    }

    /// The reader's finding, with its line.
    private static func what(_ error: any Error) -> String {
        switch error as? YamlError {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            "line \(mark.line): \(problem)"
        case .duplicatedKeysInMapping(let duplicates, let context):
            "\(duplicates.sorted().first ?? "a key") is given more than once in one mapping, first at line \(context.mark.line)"
        default: "is not YAML"
        }
    }

    func error(_ reason: ExpertStoreError.Reason, _ key: String, _ detail: String) -> ExpertStoreError {
        ExpertStoreError(reason, file: file, field: path + key, detail)
    }

    func has(_ key: String) -> Bool { mapping[key] != nil }

    func allow(_ keys: [String]) throws(ExpertStoreError) {
        for (key, _) in mapping {
            let name = key.scalar?.string ?? "?"
            guard keys.contains(name) else {
                throw error(.malformed, name, "is not a key here; known are \(keys.joined(separator: ", "))")
            }
        }
    }

    func text(_ key: String) throws(ExpertStoreError) -> String {
        guard let node = mapping[key] else { throw error(.missing, key, "is required") }
        guard let text = node.scalar?.string, !text.isEmpty else { throw error(.malformed, key, "is not a text") }
        return text
    }

    func digest(_ key: String) throws(ExpertStoreError) -> SHA256Digest {
        guard let digest = SHA256Digest(hex: try text(key)) else {
            throw error(.malformed, key, "is not a SHA-256 of 64 hexadecimal digits")
        }
        return digest
    }

    func section(_ key: String) throws(ExpertStoreError) -> ManifestSection {
        guard let node = mapping[key] else { throw error(.missing, key, "is required") }
        guard case .mapping(let inner) = node else { throw error(.malformed, key, "is not a mapping") }
        return ManifestSection(mapping: inner, file: file, path: "\(path)\(key).")
    }

    func texts(max: Int) throws(ExpertStoreError) -> [String: String] {
        guard mapping.count <= max else { throw error(.malformed, "", "\(mapping.count) entries, at most \(max)") }
        var result: [String: String] = [:]
        for (key, value) in mapping {
            guard let name = key.scalar?.string, let text = value.scalar?.string else {
                throw error(.malformed, key.scalar?.string ?? "?", "is not a text")
            }
            result[name] = text
        }
        return result
    }
}
