import Glibc

/// The rules for ipc sockets: the folder is what keeps others out, so it must belong to this user and to nobody else.
package enum LocalSocketPath {
    static func check(_ path: String) throws(SocketError) {
        let text = "ipc://\(path)"
        guard path.utf8.count <= Endpoint.ipcPathBytesMax else {
            throw Endpoint.invalid(
                text,
                "the path has \(path.utf8.count) bytes, the system takes at most \(Endpoint.ipcPathBytesMax): "
                    + "use a shorter folder")
        }
        guard !path.isEmpty, !path.hasPrefix("@"), !path.contains("*"), !path.contains("\0"), path.contains("/") else {
            throw Endpoint.invalid(text, "give a file path inside a folder, without * or a leading @")
        }
    }

    /// Makes the folder (0700) where it is missing, checks its owner and mode, and refuses a path that somebody
    /// listens on.
    package static func prepare(_ path: String) throws(SocketError) {
        try check(path)
        let slash = path.lastIndex(of: "/") ?? path.startIndex
        try prepareFolder(slash == path.startIndex ? "/" : String(path[..<slash]))
        guard !isListening(path) else {
            throw SocketError(
                .addressInUse, "binding ipc://\(path)",
                "another process listens there; stop it (skein stop) or choose another")
        }
    }

    /// Creates `folder` with mode 0700 where it is missing (its parents with the usual mode), then requires that it is a
    /// real folder of this user without any right for others.
    package static func prepareFolder(_ folder: String) throws(SocketError) {
        try createFolder(folder)
        var status = stat()
        guard lstat(folder, &status) == 0 else { throw fault(folder, String(cString: strerror(errno))) }
        guard status.st_mode & S_IFMT == S_IFDIR else { throw fault(folder, "not a folder (links are not followed)") }
        guard status.st_uid == geteuid() else {
            throw fault(folder, "belongs to user \(status.st_uid), not to \(geteuid()): use a folder of your own")
        }
        guard status.st_mode & 0o077 == 0 else {
            throw fault(
                folder, "mode \(String(status.st_mode & 0o777, radix: 8)) lets others in: chmod 700 '\(folder)'")
        }
    }

    private static func createFolder(_ folder: String) throws(SocketError) {
        if mkdir(folder, 0o700) == 0 || errno == EEXIST { return }
        guard errno == ENOENT, let slash = folder.lastIndex(of: "/"), slash != folder.startIndex else {
            throw fault(folder, String(cString: strerror(errno)))
        }
        try createParents(String(folder[..<slash]))
        guard mkdir(folder, 0o700) == 0 || errno == EEXIST else {
            throw fault(folder, String(cString: strerror(errno)))
        }
    }

    private static func createParents(_ folder: String) throws(SocketError) {
        var path = folder.hasPrefix("/") ? "/" : ""
        for part in folder.split(separator: "/") {
            path += path.isEmpty || path == "/" ? String(part) : "/\(part)"
            guard mkdir(path, 0o755) == 0 || errno == EEXIST else {
                throw fault(path, String(cString: strerror(errno)))
            }
        }
    }

    /// Whether a process accepts connections at `path`: a file alone may be left over from one that was killed.
    private static func isListening(_ path: String) -> Bool {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, size) }
        }
        // EAGAIN: the listener's queue is full, so there is one.
        return result == 0 || errno == EAGAIN || errno == EINPROGRESS
    }

    private static func fault(_ folder: String, _ why: String) -> SocketError {
        SocketError(.notPrivate, "folder \(folder) for ipc sockets", why)
    }
}
