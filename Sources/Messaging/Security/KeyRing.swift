/// The keys that may connect. One line each: `Z85KEY ROLE[,ROLE] NAME`; lines that begin with `# ` are comments.
package struct KeyRing: Sendable, Equatable {
    package static let keysMax = 10_000
    static let fileBytesMax = 1 << 20

    package private(set) var identities: [CurveKey: Identity] = [:]

    /// No key at all: every TCP connection is refused.
    package init() {}

    package init(contentsOf path: String) throws(KeyError) {
        try self.init(text: TextFile.read(path, bytesMax: Self.fileBytesMax).text, place: path)
    }

    /// `place` names the source in errors.
    package init(text: String, place: String) throws(KeyError) {
        var names: Set<String> = []
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        for (index, line) in lines.enumerated() where !KeyLine.isCommentOrEmpty(line) {
            let here = "\(place):\(index + 1)"
            let (key, identity) = try Self.parse(line, here)
            guard identities.updateValue(identity, forKey: key) == nil else {
                throw KeyError(place: here, reason: "key \(key) is already listed; give it one line with all its roles")
            }
            guard names.insert(identity.name).inserted else {
                throw KeyError(place: here, reason: "the name \(identity.name) already has a key")
            }
            guard identities.count <= Self.keysMax else {
                throw KeyError(place: here, reason: "more than \(Self.keysMax) keys")
            }
        }
    }

    package func identity(of key: CurveKey) -> Identity? { identities[key] }

    private static func parse(_ line: Substring, _ here: String) throws(KeyError) -> (CurveKey, Identity) {
        let fields = line.split(whereSeparator: \.isWhitespace)
        guard fields.count == 3 else {
            throw KeyError(place: here, reason: "expected `KEY ROLE[,ROLE] NAME`, found \(fields.count) fields")
        }
        guard let key = CurveKey(z85: String(fields[0])) else {
            throw KeyError(place: here, reason: "\"\(fields[0].prefix(48))\" is not a Z85 key of 40 characters")
        }
        guard let roles = Identity.parseRoles(fields[1]) else {
            let known = KeyRole.allCases.map(\.rawValue).joined(separator: ", ")
            throw KeyError(place: here, reason: "roles \"\(fields[1].prefix(64))\": use each of \(known) at most once")
        }
        guard Identity.isValidName(String(fields[2])) else {
            throw KeyError(place: here, reason: "name \"\(fields[2].prefix(80))\": use 1 to 64 of A-Z a-z 0-9 . _ -")
        }
        return (key, Identity(name: String(fields[2]), roles: roles))
    }
}
