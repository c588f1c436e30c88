/// A ZAP request: who knocks, at which door, and what they show.
struct AdmissionRequest: Sendable, Equatable {
    var domain: String
    var address: String
    var mechanism: String
    var key: CurveKey?

    init(domain: String, address: String, mechanism: String, key: CurveKey? = nil) {
        self.domain = domain
        self.address = address
        self.mechanism = mechanism
        self.key = key
    }

    /// Reads the handler's frames, delimiter included.
    init?(_ frames: [[UInt8]]) {
        guard frames.count >= 7, frames[0].isEmpty, frames[1] == Array("1.0".utf8) else { return nil }
        let text = frames.map { String(decoding: $0, as: UTF8.self) }
        self.init(domain: text[3], address: text[4], mechanism: text[6])
        if mechanism == "CURVE" {
            guard frames.count == 8, let key = CurveKey(bytes: frames[7]) else { return nil }
            self.key = key
        }
    }
}

enum Admission: Sendable, Equatable {
    case admitted(Identity)
    /// The reason stays in this process: a stranger is not told whether the key or the door was wrong.
    case refused(String)
}

/// Who may connect where: a pure function of the key ring and the request.
struct AdmissionPolicy: Sendable {
    var keys: KeyRing
    var insecure: Bool
    /// This process's user.
    var uid: UInt32

    func decide(_ request: AdmissionRequest) -> Admission {
        guard let domain = Domain(rawValue: request.domain) else { return .refused("unknown domain") }
        switch (request.mechanism, request.key) {
        case ("CURVE", let key?):
            guard let identity = keys.identity(of: key) else { return .refused("unlisted key") }
            guard !identity.roles.isDisjoint(with: domain.roles) else { return .refused("role not admitted here") }
            return .admitted(identity)
        case ("NULL", _):
            if let peer = Self.localUID(request.address) {
                return peer == uid || peer == 0 ? .admitted(.local(uid: peer)) : .refused("another user")
            }
            return insecure ? .admitted(.insecure) : .refused("a key is required")
        default:
            return .refused("mechanism not admitted")
        }
    }

    /// libzmq gives an ipc peer's address as `localhost:UID:GID:PID`, from the kernel (SO_PEERCRED). A TCP peer's is a
    /// numeric address, which never has that form.
    static func localUID(_ address: String) -> UInt32? {
        let parts = address.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 4, parts[0] == "localhost", UInt32(parts[2]) != nil, UInt32(parts[3]) != nil else {
            return nil
        }
        return UInt32(parts[1])
    }
}
