import COpenSSL

/// An incremental SHA-256 over OpenSSL's `EVP_Digest*`, which choose the processor's SHA instructions where it has them.
/// Owns its context, so it can be moved and not copied.
package struct SHA256: ~Copyable, @unchecked Sendable {
    static let digestByteCount = 32

    private let context: OpaquePointer

    package init() {
        guard let context = EVP_MD_CTX_new() else { preconditionFailure("no memory for a SHA-256 context") }
        self.context = context
        Self.require(EVP_DigestInit_ex(context, EVP_sha256(), nil), "EVP_DigestInit_ex")
    }

    deinit { EVP_MD_CTX_free(context) }

    package mutating func update(_ bytes: RawSpan) {
        bytes.withUnsafeBytes { update($0) }
    }

    package mutating func update(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { update($0) }
    }

    mutating func update(_ bytes: UnsafeRawBufferPointer) {
        guard let start = bytes.baseAddress else { return }
        Self.require(EVP_DigestUpdate(context, start, bytes.count), "EVP_DigestUpdate")
    }

    /// The digest of everything so far. A copy of the state is finished, so that more may follow.
    package func finalise() -> SHA256Digest {
        guard let copy = EVP_MD_CTX_new() else { preconditionFailure("no memory for a SHA-256 context") }
        defer { EVP_MD_CTX_free(copy) }
        Self.require(EVP_MD_CTX_copy_ex(copy, context), "EVP_MD_CTX_copy_ex")
        var bytes = [UInt8](repeating: 0, count: Self.digestByteCount)
        Self.require(EVP_DigestFinal_ex(copy, &bytes, nil), "EVP_DigestFinal_ex")
        guard let digest = SHA256Digest(bytes: bytes) else { preconditionFailure("a digest of \(bytes.count) bytes") }
        return digest
    }

    /// OpenSSL's calls give 1 for success. With SHA-256 over memory only a library without it can fail.
    private static func require(_ code: Int32, _ call: String) {
        precondition(code == 1, "OpenSSL's \(call) failed: this libcrypto offers no SHA-256")
    }
}
