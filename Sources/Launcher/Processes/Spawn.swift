import Foundation

/// Starts a program in a session of its own, so that the terminal's signals (Ctrl-C) reach the launcher alone, which
/// then stops its children in order.
///
/// Its input is /dev/null, its output and errors are appended to `outputFile`; nothing else is inherited. Signals are
/// reset: a child would otherwise inherit the blocked mask of the thread that spawns it and never see a SIGTERM.
func spawn(
    _ executable: String, arguments: [String], environment: [String: String], outputFile: String
) throws(LauncherError) -> Int32 {
    keepDescriptorsToOurselves()
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, outputFile, O_WRONLY | O_CREAT | O_APPEND, 0o600)
    posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO)

    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    sigemptyset(&none)
    var all = sigset_t()
    sigfillset(&all)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    let newSession: Int32 = 0x80  // POSIX_SPAWN_SETSID, which the overlay lacks.
    posix_spawnattr_setflags(
        &attributes, Int16(newSession | Int32(POSIX_SPAWN_SETSIGMASK) | Int32(POSIX_SPAWN_SETSIGDEF)))

    let arguments = CStrings([executable] + arguments)
    let variables = CStrings(environment.map { "\($0.key)=\($0.value)" })
    var processID: pid_t = 0
    let code = posix_spawn(&processID, executable, &actions, &attributes, arguments.pointers, variables.pointers)
    guard code == 0 else {
        throw .system(what: "starting \(executable)", reason: String(cString: strerror(code)))
    }
    return processID
}

/// Marks every descriptor beyond the standard three close-on-exec: those that a shell handed down are not. A child that
/// held the write end of somebody's pipe would keep its reader waiting as long as the cluster runs.
private func keepDescriptorsToOurselves() {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
    for descriptor in names.compactMap(Int32.init) where descriptor > STDERR_FILENO {
        let flags = fcntl(descriptor, F_GETFD)
        if flags >= 0, flags & FD_CLOEXEC == 0 { _ = fcntl(descriptor, F_SETFD, flags | FD_CLOEXEC) }
    }
}

/// A NULL-terminated array of C strings, freed with it.
private final class CStrings {
    let pointers: [UnsafeMutablePointer<CChar>?]

    init(_ strings: [String]) {
        pointers = strings.map { strdup($0) } + [nil]
    }

    deinit {
        pointers.forEach { free($0) }
    }
}

/// How a child ended.
package enum ProcessEnding: Equatable, Sendable, CustomStringConvertible {
    case exited(code: Int32)
    case killed(signal: Int32)

    package var description: String {
        switch self {
        case .exited(let code): "exited with code \(code)"
        case .killed(let signal): "was ended by signal \(signal) (\(String(cString: strsignal(signal))))"
        }
    }

    /// Reaps `child`; nil while it runs.
    static func reap(_ child: Int32) -> ProcessEnding? {
        var status: Int32 = 0
        var result = waitpid(child, &status, WNOHANG)
        while result < 0, errno == EINTR { result = waitpid(child, &status, WNOHANG) }
        guard result != 0 else { return nil }
        // Somebody else reaped it: all that can be said is that it is gone.
        guard result == child else { return .exited(code: -1) }
        let signal = status & 0x7F
        return signal == 0 ? .exited(code: (status >> 8) & 0xFF) : .killed(signal: signal)
    }
}
