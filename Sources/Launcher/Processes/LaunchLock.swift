import Foundation

/// Held by the one launcher of a cluster; the kernel lets go of it when that process ends, however it ends.
struct LaunchLock: ~Copyable {
    private let descriptor: Int32

    /// Nil when another process holds it.
    init?(path: String) throws(LauncherError) {
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw .system(what: "opening \(path)", reason: String(cString: strerror(errno)))
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            return nil
        }
    }

    deinit {
        close(descriptor)
    }
}
