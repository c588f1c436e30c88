import CSodium

/// An incremental SHA-256 over libsodium's `crypto_hash_sha256_*`, which need no `sodium_init`: they are pure
/// functions.
package struct SHA256: Sendable {
    static let digestByteCount = 32

    private var state = crypto_hash_sha256_state()

    package init() {
        crypto_hash_sha256_init(&state)
    }

    package mutating func update(_ bytes: RawSpan) {
        bytes.withUnsafeBytes { update($0) }
    }

    package mutating func update(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { update($0) }
    }

    mutating func update(_ bytes: UnsafeRawBufferPointer) {
        guard let start = bytes.baseAddress else { return }
        crypto_hash_sha256_update(&state, start.assumingMemoryBound(to: UInt8.self), UInt64(bytes.count))
    }

    /// The digest of everything so far. A copy of the state is finished, so that more may follow.
    package func finalise() -> SHA256Digest {
        var state = state
        var bytes = [UInt8](repeating: 0, count: Self.digestByteCount)
        crypto_hash_sha256_final(&state, &bytes)
        guard let digest = SHA256Digest(bytes: bytes) else { preconditionFailure("a digest of \(bytes.count) bytes") }
        return digest
    }
}
