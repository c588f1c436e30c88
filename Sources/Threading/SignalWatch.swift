import CPlatform
import Glibc

/// Turns signals into calls on a thread of its own, where taking locks and allocating are allowed.
///
/// They are caught on whatever thread lets them through: the watch's own, or one that a library (OpenBLAS) started before `main` and that
/// blocks nothing. Every other thread should block them, so create it in `main` before any other thread. A child process inherits the
/// blocked mask: spawn it with an empty one (`POSIX_SPAWN_SETSIGMASK`, or `SignalWatch.unblockAll()` after `fork`).
package final class SignalWatch: Sendable {
    private let stop: Wake
    private let thread: NamedThread

    package init(
        _ signals: [Int32] = [SIGTERM, SIGINT, SIGHUP], onSignal: @escaping @Sendable (Int32) -> Void
    ) throws(ThreadingError) {
        let descriptor = skein_signal_descriptor(signals, signals.count)
        guard descriptor >= 0 else { throw ThreadingError(operation: "watching signals \(signals)", code: errno) }
        let stop = try Wake()
        self.stop = stop
        thread = try NamedThread(name: "signals", stackBytes: 1 << 20) {
            _ = skein_unblock_signals()
            watch(descriptor, stop: stop, onSignal: onSignal)
            skein_signal_release(descriptor, signals, signals.count)
        }
    }

    /// As if the signal had come from outside; it must be one of those watched.
    package func raise(_ signal: Int32) { thread.raise(signal) }

    /// Writing to a peer that has gone gives EPIPE instead of ending the process.
    package static func ignoreBrokenPipes() { signal(SIGPIPE, SIG_IGN) }

    package static func unblockAll() { _ = skein_unblock_signals() }

    deinit {
        stop.signal()
        thread.join()
    }
}

private func watch(_ descriptor: Int32, stop: Wake, onSignal: @Sendable (Int32) -> Void) {
    var items = [
        pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
        pollfd(fd: stop.fileDescriptor, events: Int16(POLLIN), revents: 0),
    ]
    while true {
        _ = poll(&items, 2, -1)
        if items[1].revents != 0 { return }
        while true {
            let signal = skein_signal_next(descriptor)
            if signal == 0 { break }
            onSignal(signal)
        }
    }
}
