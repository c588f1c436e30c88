import Foundation

/// Where a cluster keeps its files: the *state folder* beside its topology, and a *socket folder* with a short path.
/// Documentation/Decisions/0002-runtime-folders.md says why there are two.
package struct ClusterPaths: Equatable, Sendable {
    /// The topology file, absolute, links resolved.
    package let topologyFile: String
    /// `<folder of the topology>/.skein/<cluster>`: logs, pid files, statistics.
    package let state: String
    /// `$XDG_RUNTIME_DIR/skein/<hash>` or `/tmp/skein-<user id>/<hash>`: mode 0700, ours alone.
    package let sockets: String
    let userID: UInt32

    package var logs: String { state + "/logs" }
    package var processes: String { state + "/processes" }
    package var statisticsFile: String { state + "/statistics.sqlite" }
    /// How the experts differ from the topology, because some were published and retired.
    package var expertsManifest: String { state + "/experts.json" }
    /// Why the launcher gave up, until the next launch.
    package var lastEndFile: String { state + "/last-end.txt" }
    /// What shadows have done since they were published.
    package var shadowsFile: String { state + "/shadows.json" }
    /// Experts by the hash of their content, as they came over the wire.
    package var content: String { state + "/content" }
    /// The hashes of what the files of a spread mixture hold, as its trunk read them once.
    package func contentList(of model: String) -> String { "\(state)/content-of-\(model).json" }
    /// Held (flock) by the one launcher of this cluster.
    package var launchLock: String { state + "/launch.lock" }

    /// - Parameters:
    ///   - topologyPath: as given; relative paths start at the current folder.
    ///   - environment: where `XDG_RUNTIME_DIR` is looked up.
    package init(
        topologyPath: String, clusterName: String,
        environment: [String: String] = ProcessInfo.processInfo.environment, userID: UInt32 = geteuid()
    ) {
        topologyFile = Self.absolute(topologyPath)
        state = Self.folder(of: topologyFile) + "/.skein/" + clusterName
        sockets = Self.socketFolder(key: "\(topologyFile)\n\(clusterName)", environment: environment, userID: userID)
        self.userID = userID
    }

    /// The path of the ipc socket `name`.
    package func socket(_ name: String) -> String {
        "\(sockets)/\(name).sock"
    }

    /// What a process logs; it rotates the file itself.
    package func logFile(_ process: String) -> String {
        "\(logs)/\(process).log"
    }

    /// What a process writes to its output and errors besides: words of the runtime, a crash's last lines.
    package func outputFile(_ process: String) -> String {
        "\(logs)/\(process).out"
    }

    /// A path written in the topology: relative to the topology's folder, `~/` to the home folder.
    func resolved(_ path: String) -> String {
        if path.hasPrefix("~/") { return NSString(string: path).expandingTildeInPath }
        return URL(
            fileURLWithPath: path, relativeTo: URL(fileURLWithPath: Self.folder(of: topologyFile), isDirectory: true)
        )
        .standardizedFileURL.path
    }
}

extension ClusterPaths {
    static func absolute(_ path: String) -> String {
        URL(fileURLWithPath: path).standardizedFileURL.resolvingSymlinksInPath().path
    }

    private static func folder(of path: String) -> String {
        URL(fileURLWithPath: path).deletingLastPathComponent().path
    }

    private static func socketFolder(key: String, environment: [String: String], userID: UInt32) -> String {
        let leaf = hash(key)
        if let runtime = environment["XDG_RUNTIME_DIR"], isPrivateFolder(runtime, userID: userID) {
            let folder = "\(runtime)/skein/\(leaf)"
            // Room for the longest socket name, `/statistics.sock`; a longer path goes to /tmp instead.
            if folder.utf8.count + 20 <= Endpoint.ipcPathBytesMax { return folder }
        }
        return "/tmp/skein-\(userID)/\(leaf)"
    }

    /// FNV-1a, 64 bits, in hexadecimal (Fowler, Noll, Vo): names a folder, protects nothing.
    private static func hash(_ text: String) -> String {
        let value = text.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// A folder (no link) that only `userID` can read, write or enter.
    static func isPrivateFolder(_ path: String, userID: UInt32) -> Bool {
        guard path.hasPrefix("/"), let attributes = try? FileManager.default.attributesOfItem(atPath: path),
            attributes[.type] as? FileAttributeType == .typeDirectory,
            (attributes[.ownerAccountID] as? NSNumber)?.uint32Value == userID,
            let mode = (attributes[.posixPermissions] as? NSNumber)?.intValue
        else { return false }
        return mode & 0o077 == 0 && mode & 0o700 == 0o700
    }
}
