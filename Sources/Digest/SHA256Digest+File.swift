#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A file that could not be read to its end.
package struct DigestError: Error, Sendable, Equatable, CustomStringConvertible {
    package let file: String
    /// The system call that failed, or what else was wrong.
    package let what: String
    package let detail: String

    package var description: String { "\(file): \(what): \(detail)" }
}

extension SHA256Digest {
    private static let bufferByteCount = 1 << 20

    /// The digest of the regular file at `path`, read in pieces of 1 MiB.
    ///
    /// - Parameter progress: called after each piece with the bytes done and the file's size when it was opened.
    package init(
        ofFileAt path: String, progress: (_ doneBytes: Int, _ totalBytes: Int) -> Void = { _, _ in }
    ) throws(DigestError) {
        let (descriptor, size) = try Self.open(path)
        defer { close(descriptor) }
        var hasher = SHA256()
        var done = 0
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.bufferByteCount, alignment: 64)
        defer { buffer.deallocate() }
        while true {
            let count = read(descriptor, buffer.baseAddress, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw Self.failure(path, "read") }
            if count == 0 { break }
            hasher.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            done += count
            progress(done, size)
        }
        self = hasher.finalise()
    }

    /// A regular file, opened for reading, and its size.
    static func open(_ path: String) throws(DigestError) -> (descriptor: Int32, size: Int) {
        // O_NONBLOCK so that a FIFO in the file's place is refused below instead of waited for.
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw failure(path, "open") }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            defer { close(descriptor) }
            throw failure(path, "stat")
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw DigestError(file: path, what: "type", detail: "not a regular file")
        }
        return (descriptor, Int(status.st_size))
    }

    static func failure(_ path: String, _ call: String) -> DigestError {
        DigestError(file: path, what: call, detail: String(cString: strerror(errno)))
    }
}
