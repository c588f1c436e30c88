import CPlatform
import Glibc

/// Lets any thread wake one that waits in `poll`: an eventfd. Signals that arrive before the waiter looks count as one.
package final class Wake: Sendable {
    /// Readable while a signal is waiting; for `poll` and its kin.
    package let fileDescriptor: Int32

    package init() throws(ThreadingError) {
        fileDescriptor = skein_eventfd()
        guard fileDescriptor >= 0 else { throw ThreadingError(operation: "opening an eventfd", code: errno) }
    }

    /// Never blocks: a counter that is full is a signal that is already there.
    package func signal() {
        var one: UInt64 = 1
        _ = write(fileDescriptor, &one, 8)
    }

    /// Takes the waiting signal away. Returns whether there was one.
    @discardableResult
    package func clear() -> Bool {
        var count: UInt64 = 0
        return read(fileDescriptor, &count, 8) == 8
    }

    /// Waits for a signal and takes it. Returns false when none came in time; a negative time waits without end.
    package func wait(milliseconds: Int) -> Bool {
        var item = pollfd(fd: fileDescriptor, events: Int16(POLLIN), revents: 0)
        _ = poll(&item, 1, Int32(clamping: milliseconds))
        return clear()
    }

    deinit { close(fileDescriptor) }
}
