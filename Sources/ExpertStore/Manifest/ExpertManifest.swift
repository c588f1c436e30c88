import Digest

/// `expert.yaml`: what an expert is, which trunk it belongs to, and the hash of each of its files.
package struct ExpertManifest: Sendable, Equatable {
    package static let fileName = "expert.yaml"
    /// The one format version read and written here.
    package static let format = 1

    package enum Kind: String, Sendable, CaseIterable {
        /// Low-rank pairs at linear layers.
        case lora
    }

    package struct Trunk: Sendable, Equatable {
        /// The folder of its experts in a store.
        package let name: String
        /// Of the trunk's weight file.
        package let hash: SHA256Digest

        package init(name: String, hash: SHA256Digest) {
            self.name = name
            self.hash = hash
        }
    }

    package let name: String
    package let kind: Kind
    package let trunk: Trunk
    /// By file name; every file of the folder that counts, the manifest itself excepted.
    package let files: [String: SHA256Digest]
    /// An SPDX expression, or `unknown`.
    package let licence: String
    /// Free-form: where it comes from and how it was made.
    package let provenance: [String: String]

    package init(
        name: String, kind: Kind = .lora, trunk: Trunk, files: [String: SHA256Digest], licence: String,
        provenance: [String: String]
    ) {
        self.name = name
        self.kind = kind
        self.trunk = trunk
        self.files = files
        self.licence = licence
        self.provenance = provenance
    }

    /// The SHA-256 of the lines `<file hash>  <file name>`, sorted by name, as `sha256sum` prints them.
    package var contentHash: SHA256Digest {
        let lines = files.sorted { $0.key < $1.key }.map { "\($0.value.hex)  \($0.key)\n" }
        return SHA256Digest(of: Array(lines.joined().utf8))
    }

    /// `name@` and the first 12 digits of the content hash: what a version of an expert is called.
    package var id: String { "\(name)@\(contentHash.hex.prefix(12))" }

    /// 1 to 64 of A-Z a-z 0-9 . _ -, beginning with a letter or digit: a folder's name, and part of an id.
    package static func isName(_ text: String) -> Bool {
        guard (1...64).contains(text.utf8.count), let first = text.first, first.isASCII,
            first.isLetter || first.isNumber
        else { return false }
        return text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) }
    }
}
