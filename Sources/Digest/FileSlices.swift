import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A run of a file's bytes that has a hash of its own.
package struct FileSlice: Sendable, Hashable {
    package let file: String
    package let range: Range<Int>

    package init(file: String, range: Range<Int>) {
        self.file = file
        self.range = range
    }
}

/// SHA-256 of files and of slices of them. Bytes are read into buffers of a bounded size, not mapped, so that no page of a file stays with
/// the process.
package enum FileSlices {
    /// Runs parts 0 ..< count, in any order, on as many threads as there are.
    package typealias Runner = (_ count: Int, _ part: @Sendable (Int) -> Void) -> Void

    static let windowBytes = 4 << 20

    /// The digests of the slices, in parallel; nothing else of their files is read.
    package static func digests(of slices: [FileSlice], run: Runner) throws(DigestError) -> [SHA256Digest] {
        let files = try OpenFiles(Set(slices.map(\.file)))
        let results = Mutex([Result<SHA256Digest, DigestError>?](repeating: nil, count: slices.count))
        run(slices.count) { part in
            let result = Result { () throws(DigestError) in try digest(of: slices[part], in: files) }
            results.withLock { $0[part] = result }
        }
        return try results.withLock { $0 }.map { result throws(DigestError) in
            guard let result else { preconditionFailure("a part was not run") }
            return try result.get()
        }
    }

    /// The digest of each whole file, and of the slices, from one reading: a window is hashed for its file and for the slices that it is
    /// part of by one thread each, while the next is read.
    package static func digests(
        ofFiles paths: [String], and slices: [FileSlice], run: Runner
    ) throws(DigestError) -> (files: [SHA256Digest], slices: [SHA256Digest]) {
        let files = try OpenFiles(Set(paths))
        let ofSlices = slices.map { _ in Hashing() }
        let ofFiles = try paths.map { path throws(DigestError) in
            let own = slices.indices.filter { slices[$0].file == path }
                .sorted { slices[$0].range.lowerBound < slices[$1].range.lowerBound }
            return try digest(
                of: path, files, own.map { (slices[$0].range, ofSlices[$0]) }, run: run)
        }
        return (ofFiles, ofSlices.map { $0.digest })
    }

    private static func digest(of slice: FileSlice, in files: OpenFiles) throws(DigestError) -> SHA256Digest {
        let hashing = Hashing()
        let buffer = WindowBuffer(bytes: min(slice.range.count, 1 << 20))
        var offset = slice.range.lowerBound
        while offset < slice.range.upperBound {
            let count = min(buffer.bytes, slice.range.upperBound - offset)
            try files.read(slice.file, at: offset, count: count, into: buffer)
            hashing.add(buffer, 0..<count)
            offset += count
        }
        return hashing.digest
    }

    /// - Parameter slices: ascending.
    private static func digest(
        of path: String, _ files: OpenFiles, _ slices: [(range: Range<Int>, hashing: Hashing)], run: Runner
    ) throws(DigestError) -> SHA256Digest {
        let size = files.size(of: path)
        if let last = slices.map(\.range.upperBound).max(), last > size { throw files.truncated(path) }
        let whole = Hashing()
        var (current, next) = (WindowBuffer(bytes: windowBytes), WindowBuffer(bytes: windowBytes))
        try files.read(path, at: 0, count: min(windowBytes, size), into: current)
        var first = 0
        for start in stride(from: 0, to: size, by: windowBytes) {
            let window = start..<min(start + windowBytes, size)
            while first < slices.count, slices[first].range.upperBound <= start { first += 1 }
            let inside = slices[first...].prefix { $0.range.lowerBound < window.upperBound }
                .filter { $0.range.upperBound > start }
            let failure = Mutex<DigestError?>(nil)
            let (held, coming) = (current, next)
            // The reading first: it may wait for a disk. Then the longest.
            run(2 + inside.count) { part in
                switch part {
                case 0:
                    let count = min(windowBytes, size - window.upperBound)
                    guard count > 0 else { return }
                    do throws(DigestError) {
                        try files.read(path, at: window.upperBound, count: count, into: coming)
                    } catch { failure.withLock { $0 = error } }
                case 1: whole.add(held, 0..<window.count)
                default:
                    let (range, hashing) = inside[part - 2]
                    let overlap = range.clamped(to: window)
                    hashing.add(held, overlap.lowerBound - start..<overlap.upperBound - start)
                }
            }
            if let failure = failure.withLock({ $0 }) { throw failure }
            swap(&current, &next)
        }
        return whole.digest
    }
}

/// A hash that several threads add to, one at a time: whoever runs them sees to that.
private final class Hashing: @unchecked Sendable {
    private var hash = SHA256()

    func add(_ buffer: WindowBuffer, _ range: Range<Int>) {
        hash.update(UnsafeRawBufferPointer(rebasing: buffer.memory[range]))
    }

    var digest: SHA256Digest { hash.finalise() }
}

/// Memory that one thread writes, and several read after that.
private final class WindowBuffer: @unchecked Sendable {
    let memory: UnsafeMutableRawBufferPointer
    let bytes: Int

    init(bytes: Int) {
        self.bytes = max(1, bytes)
        memory = .allocate(byteCount: max(1, bytes), alignment: 64)
    }

    deinit { memory.deallocate() }
}

/// Descriptors of regular files, closed with the last reference.
private final class OpenFiles: Sendable {
    private let descriptors: [String: (descriptor: Int32, size: Int)]

    init(_ paths: Set<String>) throws(DigestError) {
        var opened: [String: (descriptor: Int32, size: Int)] = [:]
        do throws(DigestError) {
            for path in paths { opened[path] = try SHA256Digest.open(path) }
        } catch {
            for file in opened.values { close(file.descriptor) }
            throw error
        }
        descriptors = opened
    }

    deinit { for file in descriptors.values { close(file.descriptor) } }

    func size(of path: String) -> Int { descriptors[path]?.size ?? 0 }

    func truncated(_ path: String) -> DigestError {
        DigestError(file: path, what: "size", detail: "the file is shorter than what it is to hold")
    }

    func read(_ path: String, at offset: Int, count: Int, into buffer: WindowBuffer) throws(DigestError) {
        guard let descriptor = descriptors[path]?.descriptor else { preconditionFailure("\(path) is not open") }
        var done = 0
        while done < count {
            let got = pread(descriptor, buffer.memory.baseAddress.map { $0 + done }, count - done, off_t(offset + done))
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw SHA256Digest.failure(path, "read") }
            guard got > 0 else { throw truncated(path) }
            done += got
        }
    }
}
