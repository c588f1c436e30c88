/// Asks for a part of a file of an expert: one credit, answered with one `ContentPart`.
package struct ContentRequest: Sendable, Equatable {
    /// Of the expert's content, hexadecimal.
    package var sha256: String
    /// One that the expert's manifest lists, or the manifest itself.
    package var file: String
    /// Where the part begins.
    package var offset: UInt64

    package init(sha256: String = "", file: String = "", offset: UInt64 = 0) {
        self.sha256 = sha256
        self.file = file
        self.offset = offset
    }
}

/// Comes with one tensor: the file's bytes from the offset on, `bytesMax` of them or up to the file's end.
package struct ContentPart: Sendable, Equatable {
    package static let bytesMax = 1 << 20

    package var sha256: String
    package var file: String
    package var offset: UInt64
    /// Of the whole file, in bytes.
    package var size: UInt64
    /// There are no bytes, and `message` says why.
    package var kind: FailureKind?
    package var message: String

    package init(
        sha256: String = "", file: String = "", offset: UInt64 = 0, size: UInt64 = 0, kind: FailureKind? = nil,
        message: String = ""
    ) {
        self.sha256 = sha256
        self.file = file
        self.offset = offset
        self.size = size
        self.kind = kind
        self.message = message
    }
}
