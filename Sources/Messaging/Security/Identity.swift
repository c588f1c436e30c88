/// What a key may do.
package enum KeyRole: String, Sendable, CaseIterable, Comparable {
    case client, worker, `operator`, observer

    package static func < (left: KeyRole, right: KeyRole) -> Bool { left.rawValue < right.rawValue }
}

/// Who is at the other end of a connection, as the ZAP handler found out. Never the routing id, which anyone may choose.
///
/// On the wire inside the process it is ZAP's user id, `ROLE[,ROLE]/NAME`. Keys have plain names; the names of peers
/// without a key hold a colon, which no key's name may: `local:UID` (same user, over ipc) and `insecure:` (anyone, where
/// the topology says so).
package struct Identity: Sendable, Hashable, CustomStringConvertible {
    package let name: String
    package let roles: Set<KeyRole>

    package init(name: String, roles: Set<KeyRole>) {
        self.name = name
        self.roles = roles
    }

    /// Reads what `userID` wrote.
    package init?(userID: String) {
        guard let slash = userID.firstIndex(of: "/") else { return nil }
        let name = String(userID[userID.index(after: slash)...])
        guard Self.isValidName(name) || name == Self.insecureName || name.hasPrefix(Self.localPrefix) else {
            return nil
        }
        guard let roles = Self.parseRoles(userID[..<slash]) else { return nil }
        self.init(name: name, roles: roles)
    }

    package static func local(uid: UInt32) -> Identity {
        Identity(name: "\(localPrefix)\(uid)", roles: Set(KeyRole.allCases))
    }

    package static let insecure = Identity(name: insecureName, roles: Set(KeyRole.allCases))

    package var userID: String {
        "\(roles.sorted().map(\.rawValue).joined(separator: ","))/\(name)"
    }

    /// Whether a key vouches for the name. A worker with a key must call itself as its key is called.
    package var hasKey: Bool { !name.contains(":") }

    package func allows(_ role: KeyRole) -> Bool { roles.contains(role) }

    package var description: String { userID }

    package static func isValidName(_ name: String) -> Bool {
        (1...64).contains(name.utf8.count)
            && name.utf8.allSatisfy {
                switch $0 {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F: true
                default: false
                }
            }
    }

    /// Reads `role[,role]`; nil for an unknown, repeated or missing role.
    package static func parseRoles(_ text: some StringProtocol) -> Set<KeyRole>? {
        var roles: Set<KeyRole> = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let role = KeyRole(rawValue: String(part)), roles.insert(role).inserted else { return nil }
        }
        return roles
    }

    private static let localPrefix = "local:"
    private static let insecureName = "insecure:"
}
