import Foundation
import Synchronization

/// A log file cannot be opened.
package struct LogFileError: Error, Equatable, CustomStringConvertible {
    package let path: String
    package let reason: String
    package var description: String { "log file \(path): \(reason); check the folder and its permissions" }
}

/// A file that is appended to and rotated by size: `NAME`, `NAME.1` (the one before), … up to `filesMax` files, so that
/// a process's logs never take more than `filesMax * bytesMax` bytes. One process per file.
///
/// Writing never throws: a full disk must not end what the log is about. Lines that could not be written are counted,
/// and the next one that can be says how many are missing.
package final class RotatingFile: Sendable {
    private struct State {
        var descriptor: Int32
        var bytes: Int
        var lost = 0
    }

    package let path: String
    private let bytesMax: Int
    private let filesMax: Int
    private let state: Mutex<State>

    package init(path: String, bytesMax: Int, filesMax: Int) throws(LogFileError) {
        precondition(bytesMax > 0 && filesMax > 0, "a log of \(filesMax) files of \(bytesMax) bytes")
        self.path = path
        self.bytesMax = bytesMax
        self.filesMax = filesMax
        let descriptor = Self.opened(path)
        guard descriptor >= 0 else { throw LogFileError(path: path, reason: String(cString: strerror(errno))) }
        state = Mutex(State(descriptor: descriptor, bytes: Self.size(of: descriptor)))
    }

    deinit {
        state.withLock { if $0.descriptor >= 0 { _ = close($0.descriptor) } }
    }

    /// Appends one line, its newline included.
    package func append(_ line: String) {
        let bytes = Array(line.utf8)
        state.withLock { state in
            if state.bytes > 0, state.bytes + bytes.count > bytesMax { rotate(&state) }
            if state.lost > 0 { noteLost(&state) }
            write(bytes, &state)
        }
    }

    private func write(_ bytes: [UInt8], _ state: inout State) {
        guard state.descriptor >= 0, Self.writeAll(bytes, to: state.descriptor) else {
            state.lost += 1
            return
        }
        state.bytes += bytes.count
    }

    private func noteLost(_ state: inout State) {
        let note = Array("(\(state.lost) lines before this one could not be written)\n".utf8)
        guard state.descriptor >= 0, Self.writeAll(note, to: state.descriptor) else { return }
        state.bytes += note.count
        state.lost = 0
    }

    /// NAME.2 becomes NAME.3, NAME.1 becomes NAME.2, NAME becomes NAME.1; the last one goes.
    private func rotate(_ state: inout State) {
        if filesMax == 1 {
            unlink(path)
        } else {
            for index in stride(from: filesMax - 1, to: 1, by: -1) {
                rename("\(path).\(index - 1)", "\(path).\(index)")
            }
            rename(path, "\(path).1")
        }
        let descriptor = Self.opened(path)
        // A folder that went away: what is open is still a place to write to.
        guard descriptor >= 0 else { return }
        if state.descriptor >= 0 { close(state.descriptor) }
        state.descriptor = descriptor
        state.bytes = Self.size(of: descriptor)
    }

    private static func opened(_ path: String) -> Int32 {
        open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    }

    private static func size(of descriptor: Int32) -> Int {
        var status = stat()
        return fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0
    }

    /// Writes all of `bytes`, or returns false.
    static func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        bytes.withUnsafeBytes { buffer in
            var rest = buffer[...]
            while !rest.isEmpty, let base = UnsafeRawBufferPointer(rebasing: rest).baseAddress {
                let written = Glibc.write(descriptor, base, rest.count)
                if written < 0, errno == EINTR { continue }
                guard written > 0 else { return false }
                rest = rest.dropFirst(written)
            }
            return true
        }
    }
}
