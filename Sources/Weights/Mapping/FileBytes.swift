#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The bytes of one file, mapped read-only, or a copy held in memory. Every loan of them is checked against the end.
///
/// The mapping assumes that nobody shortens the file while it is open: touching a page beyond the new end is a SIGBUS
/// that no check here can foresee. Replace model files by renaming a new one over them.
final class FileBytes: @unchecked Sendable {
    // Sendable although it holds a pointer: the bytes are never written after init and freed only in deinit.
    private let base: UnsafeRawPointer
    private let isMapped: Bool
    let count: Int
    /// For error messages: the path as opened.
    let file: String

    /// Maps the regular file at `path`.
    init(mapping path: String) throws(WeightsError) {
        func failure(_ call: String) -> WeightsError {
            WeightsError(.unreadable, file: path, field: call, String(cString: strerror(errno)))
        }
        // O_NONBLOCK so that a FIFO in the file's place is refused below instead of waited for.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw failure("open") }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failure("stat") }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw WeightsError(.unreadable, file: path, field: "type", "not a regular file")
        }
        guard status.st_size > 0, let size = Int(exactly: status.st_size) else {
            throw WeightsError(.truncated, file: path, field: "size", "the file is empty")
        }
        guard let pointer = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), pointer != MAP_FAILED else {
            throw failure("mmap")
        }
        base = UnsafeRawPointer(pointer)
        count = size
        file = path
        isMapped = true
    }

    /// Keeps a copy of `bytes`; `file` is what errors will call it.
    init(copying bytes: [UInt8], file: String) {
        let copy = UnsafeMutableRawPointer.allocate(byteCount: max(bytes.count, 1), alignment: 64)
        bytes.withUnsafeBytes { source in
            if let start = source.baseAddress { copy.copyMemory(from: start, byteCount: source.count) }
        }
        base = UnsafeRawPointer(copy)
        count = bytes.count
        self.file = file
        isMapped = false
    }

    deinit {
        if isMapped {
            munmap(UnsafeMutableRawPointer(mutating: base), count)
        } else {
            base.deallocate()
        }
    }

    /// Whether `[offset, offset + length)` lies inside the file; overflow-safe for any arguments.
    func contains(offset: Int, length: Int) -> Bool {
        offset >= 0 && length >= 0 && offset <= count && length <= count - offset
    }

    /// Lends `length` bytes from `offset`. Going beyond the end is a programmer error: parsers ask `contains` first.
    func withBytes<R, E: Error>(at offset: Int, length: Int, _ body: (RawSpan) throws(E) -> R) throws(E) -> R {
        defer { extendLifetime(self) }
        return try body(pointer(at: offset, length: length).bytes)
    }

    /// The same loan as a pointer, for the loops of this target; the caller keeps `self` alive.
    func pointer(at offset: Int, length: Int) -> UnsafeRawBufferPointer {
        precondition(contains(offset: offset, length: length), "\(file): [\(offset), +\(length)) of \(count) bytes")
        return UnsafeRawBufferPointer(start: base + offset, count: length)
    }

    /// A little-endian integer at a checked place; both formats store integers so.
    func integer<T: FixedWidthInteger>(at offset: Int, as type: T.Type = T.self) -> T {
        defer { extendLifetime(self) }
        return T(littleEndian: pointer(at: offset, length: MemoryLayout<T>.size).loadUnaligned(as: T.self))
    }

    /// Lets the kernel take the pages back that were read so far; they come again when touched. What was packed from them is not
    /// kept in memory twice.
    func releasePages() {
        if isMapped { _ = madvise(UnsafeMutableRawPointer(mutating: base), count, MADV_DONTNEED) }
    }

    /// Of a range, the pages that lie in it wholly.
    func releasePages(_ range: Range<Int>) {
        let page = Int(getpagesize())
        let (first, end) = ((range.lowerBound + page - 1) / page * page, range.upperBound / page * page)
        guard isMapped, first < end else { return }
        _ = madvise(UnsafeMutableRawPointer(mutating: base + first), end - first, MADV_DONTNEED)
    }

    func copy(at offset: Int, length: Int) -> [UInt8] {
        defer { extendLifetime(self) }
        return [UInt8](pointer(at: offset, length: length))
    }

    /// The bytes as a string, or nil where they are not UTF-8.
    func text(at offset: Int, length: Int) -> String? {
        defer { extendLifetime(self) }
        return String(validating: pointer(at: offset, length: length), as: UTF8.self)
    }
}
