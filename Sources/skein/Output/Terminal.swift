import Foundation

/// Standard output, where every answer goes, and standard error, where a person is told what is going on.
///
/// A failed write to standard output is never lost (`OutputFault`); one to standard error is: there is nobody left to tell.
enum Terminal {
    static let errorIsInteractive = isatty(STDERR_FILENO) == 1
    /// no-color.org: set to anything, it says no.
    static let errorShowsColours =
        errorIsInteractive && (ProcessInfo.processInfo.environment["NO_COLOR"] ?? "").isEmpty
    static let outputIsInteractive = isatty(STDOUT_FILENO) == 1
    static let inputIsInteractive = isatty(STDIN_FILENO) == 1

    /// Overwrites the current line of standard error; silent when that is not a terminal.
    static func progress(_ text: String) {
        guard errorIsInteractive else { return }
        _ = Descriptor.write("\r\u{1B}[2K\(text)", to: STDERR_FILENO)
    }

    static func endProgress() { progress("") }

    static func note(_ text: String) { _ = Descriptor.write(text + "\n", to: STDERR_FILENO) }

    /// Writes at once: a streamed answer must not wait for a line end.
    static func write(_ text: String) {
        guard OutputFault.current == nil, let code = Descriptor.write(text, to: STDOUT_FILENO) else { return }
        OutputFault(code: code).happened()
    }
}

/// Stands in for the standard library's function in this module, which tells nobody that a disk is full.
func print(_ text: String, terminator: String = "\n") { Terminal.write(text + terminator) }

enum Descriptor {
    /// Writes all of it; returns the error's number where that is not possible.
    static func write(_ text: String, to descriptor: Int32) -> Int32? {
        var text = text
        return text.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)
            while let start = rest.baseAddress, !rest.isEmpty {
                let count = Foundation.write(descriptor, start, rest.count)
                if count >= 0 {
                    rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
                } else if !canGoOn(descriptor, errno) {
                    return errno
                }
            }
            return nil
        }
    }

    /// Waits where a terminal or pipe that does not block is full.
    private static func canGoOn(_ descriptor: Int32, _ code: Int32) -> Bool {
        guard code == EAGAIN else { return code == EINTR }
        var item = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        return poll(&item, 1, -1) >= 0 || errno == EINTR
    }

    /// Fills the places of standard input, output and error where a shell has closed them: the next file or socket would
    /// take that place, and what is printed would end up in it. Writing to what takes the place of the output fails.
    static func keepStandardPlaces() {
        for (place, mode) in [(STDIN_FILENO, O_RDONLY), (STDOUT_FILENO, O_RDONLY), (STDERR_FILENO, O_WRONLY)]
        where fcntl(place, F_GETFD) < 0 {
            // The lowest free number is given: `place`, as all below it are taken.
            _ = open("/dev/null", mode)
        }
    }
}
