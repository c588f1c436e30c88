/// `security:` — the keys of TCP links (promise P6). All paths are absolute once read; `skein keygen` makes the files.
package struct SecurityEntry: Equatable, Sendable {
    /// TCP without CURVE, for a network that only friends reach. Said loudly at every start.
    package var insecure = false
    /// The authorised keys: public key, role and name, one a line.
    package var authorisedKeysFile: String?
    /// The router's secret key.
    package var serverKeyFile: String?
    /// The router's public key, which workers and clients check; by default `NAME.pub` beside the server key file
    /// `NAME.key`.
    package var serverPublicKeyFile: String?
    /// The secret key with which `skein query`, `stats` and `status` come when given this topology.
    package var clientKeyFile: String?
    package var line = 1

    package init() {}
}

extension SecurityEntry {
    static let keys = ["insecure", "keys", "server_key", "server_public_key", "client_key"]

    init(reading section: Section, paths: ClusterPaths) {
        line = section.line
        insecure = section.flag("insecure", default: false)
        authorisedKeysFile = section.text("keys").map(paths.resolved)
        serverKeyFile = section.text("server_key").map(paths.resolved)
        serverPublicKeyFile =
            section.text("server_public_key").map(paths.resolved) ?? serverKeyFile.map(Self.publicFile)
        clientKeyFile = section.text("client_key").map(paths.resolved)
    }

    /// `skein keygen` writes pairs as NAME.key and NAME.pub.
    private static func publicFile(_ secretFile: String) -> String {
        (secretFile.hasSuffix(".key") ? String(secretFile.dropLast(4)) : secretFile) + ".pub"
    }
}
