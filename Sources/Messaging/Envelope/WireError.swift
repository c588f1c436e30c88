/// Why a message is not one of the wire's: which field, what it held, what it may hold.
package enum WireError: Error, Sendable, Equatable, CustomStringConvertible {
    case malformed(String)
    case unknownVersion(UInt32)
    case unknownBody
    case oversize(String)
    case wrongDType(String)
    case truncatedTensor(String)

    /// What to answer.
    package var kind: FailureKind {
        switch self {
        case .malformed, .unknownBody: .malformed
        case .unknownVersion: .unknownVersion
        case .oversize: .oversize
        case .wrongDType: .wrongDType
        case .truncatedTensor: .truncatedTensor
        }
    }

    package var description: String {
        switch self {
        case .malformed(let what): "malformed message: \(what)"
        case .unknownVersion(let version):
            "protocol version \(version) is not spoken here, only \(Envelope.currentVersion)"
        case .unknownBody: "the envelope holds no body that version \(Envelope.currentVersion) knows"
        case .oversize(let what): "too large: \(what)"
        case .wrongDType(let what): "wrong element type: \(what)"
        case .truncatedTensor(let what): "truncated tensor: \(what)"
        }
    }
}
