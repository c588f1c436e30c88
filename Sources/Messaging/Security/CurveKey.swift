import CZeroMQ

/// Why a key, a key file or a list of keys cannot be used: which file, which line, and what to do.
package struct KeyError: Error, Sendable, Equatable, CustomStringConvertible {
    package let place: String
    package let reason: String

    package var description: String { "\(place): \(reason)" }
}

/// One half of a CURVE key pair: 32 bytes, written as 40 characters of Z85 (ZeroMQ RFC 32).
package struct CurveKey: Sendable, Hashable, CustomStringConvertible {
    package static let z85Count = 40

    /// The 32 bytes themselves.
    package let bytes: [UInt8]

    /// Reads 40 characters of Z85; nil when they are not.
    package init?(z85: String) {
        guard z85.utf8.count == Self.z85Count else { return nil }
        var bytes = [UInt8](repeating: 0, count: 32)
        guard zmq_z85_decode(&bytes, z85) != nil else { return nil }
        self.bytes = bytes
        // libzmq decodes some texts that it would never write; a key has one spelling.
        guard description == z85 else { return nil }
    }

    package init?(bytes: [UInt8]) {
        guard bytes.count == 32 else { return nil }
        self.bytes = bytes
    }

    /// The key in Z85.
    package var description: String {
        var text = [CChar](repeating: 0, count: Self.z85Count + 1)
        zmq_z85_encode(&text, bytes, bytes.count)
        return String(decoding: text.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// A CURVE key pair. The secret half is never printed.
package struct CurveKeyPair: Sendable, Equatable, CustomStringConvertible {
    package let publicKey: CurveKey
    package let secretKey: CurveKey

    /// A fresh pair from libsodium's random source.
    ///
    /// Pairs whose text begins with `#` are drawn again, so that no tool takes a key for a comment.
    package static func generate() throws(SocketError) -> CurveKeyPair {
        while true {
            var publicText = [CChar](repeating: 0, count: CurveKey.z85Count + 1)
            var secretText = publicText
            guard zmq_curve_keypair(&publicText, &secretText) == 0 else { throw .last("generating a CURVE key pair") }
            let publicKey = CurveKey(z85: string(publicText)), secretKey = CurveKey(z85: string(secretText))
            if let publicKey, let secretKey, publicText[0] != 0x23, secretText[0] != 0x23 {
                return CurveKeyPair(publicKey: publicKey, secretKey: secretKey)
            }
        }
    }

    /// The pair that belongs to a secret key.
    package init(secretKey: CurveKey) throws(SocketError) {
        var publicText = [CChar](repeating: 0, count: CurveKey.z85Count + 1)
        guard zmq_curve_public(&publicText, secretKey.description) == 0,
            let publicKey = CurveKey(z85: string(publicText))
        else { throw .last("deriving a public key") }
        self.init(publicKey: publicKey, secretKey: secretKey)
    }

    private init(publicKey: CurveKey, secretKey: CurveKey) {
        self.publicKey = publicKey
        self.secretKey = secretKey
    }

    package var description: String { "CurveKeyPair(\(publicKey))" }
}

private func string(_ text: [CChar]) -> String {
    String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
