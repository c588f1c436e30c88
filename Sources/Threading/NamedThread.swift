import CPlatform
import Glibc
import Synchronization

/// Why a thread, a wake-up or a signal descriptor could not be had.
package struct ThreadingError: Error, Sendable, CustomStringConvertible {
    package let operation: String
    package let code: Int32

    package var description: String {
        "\(operation) failed: \(String(cString: strerror(code))) (raise the limit it names: ulimit -u, ulimit -n)"
    }
}

/// A joinable thread with a name that `top -H` and a debugger show.
///
/// Blocking work (polling sockets, matrix products) runs on one of these, never on Swift's cooperative pool.
package final class NamedThread: Sendable {
    package let name: String
    private let handle: Mutex<pthread_t?>

    /// Starts `body` at once. Swift's own frames are small, but a recursive parser's are not: 8 MiB as on the main thread.
    package init(
        name: String, stackBytes: Int = 8 << 20, body: @escaping @Sendable () -> Void
    ) throws(ThreadingError) {
        self.name = name
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        pthread_attr_setstacksize(&attributes, stackBytes)
        defer { pthread_attr_destroy(&attributes) }
        let start = Unmanaged.passRetained(ThreadStart(name: name, body: body))
        var thread = pthread_t()
        let code = pthread_create(&thread, &attributes, runThread, start.toOpaque())
        guard code == 0 else {
            start.release()
            throw ThreadingError(operation: "starting thread \(name)", code: code)
        }
        handle = Mutex(thread)
    }

    /// Waits until the body has returned. Any number of callers may wait; none may be the thread itself.
    package func join() {
        handle.withLock { handle in
            guard let thread = handle else { return }
            precondition(pthread_equal(thread, pthread_self()) == 0, "thread \(name) would wait for itself")
            pthread_join(thread, nil)
            handle = nil
        }
    }

    /// Directs a signal at this thread alone.
    func raise(_ signal: Int32) {
        handle.withLock { handle in
            if let thread = handle { pthread_kill(thread, signal) }
        }
    }

    deinit {
        handle.withLock { handle in
            if let thread = handle { pthread_detach(thread) }
        }
    }
}

/// What the new thread takes over from the one that started it.
private final class ThreadStart {
    let name: String
    let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
        self.name = name
        self.body = body
    }
}

private func runThread(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    let start = Unmanaged<ThreadStart>.fromOpaque(argument).takeRetainedValue()
    _ = skein_thread_name(start.name)
    start.body()
    return nil
}
