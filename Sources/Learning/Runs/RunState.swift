import Digest
import Foundation
import SystemReasons

/// A run between two steps, in one file that appears whole or not at all:
///
///     "SKEINRUN" · header's length, u64 · header, JSON · θ · m · v (f32, little-endian) · SHA-256 of all before
package enum RunState {
    static let magic = Array("SKEINRUN".utf8)

    struct Header: Codable {
        let version: Int
        let step: Int
        let count: Int
        /// Of the run's settings: what must be the same to go on.
        let settings: String
        let heldBefore: Double?
    }

    /// - Throws: `unwritable`, on a full disk for one; the file that was there stays.
    package static func save(
        _ run: TrainingRun, settings: SHA256Digest, heldBefore: Double?, to path: String
    ) throws(LearningError) {
        let header = Header(
            version: 1, step: run.step, count: run.parameters.trainedCount, settings: settings.hex,
            heldBefore: heldBefore)
        let json: Data
        do { json = try JSONEncoder().encode(header) } catch {
            throw LearningError(.unwritable, path, "cannot be written (\(SystemReason.text(of: error)))")
        }
        var bytes = magic
        withUnsafeBytes(of: UInt64(json.count).littleEndian) { bytes += Array($0) }
        bytes += json
        let file = try AtomicFile(path)
        var hasher = SHA256()
        hasher.update(bytes)
        try file.write(bytes)
        for values in [run.parameters.values, run.optimiser.first, run.optimiser.second] {
            let part = UnsafeRawBufferPointer(start: values.base, count: header.count * 4)
            hasher.update(part.bytes)
            try file.write(part)
        }
        try file.write(hasher.finalise().bytes)
        try file.finish()
    }

    /// Puts a run where the file says, and gives the held-out loss before its first step.
    package static func restore(
        _ run: TrainingRun, settings: SHA256Digest, from path: String
    ) throws(LearningError) -> Double? {
        let data: Data
        do { data = try Data(contentsOf: URL(filePath: path), options: .alwaysMapped) } catch {
            throw LearningError(.unreadable, path, "cannot be read (\(SystemReason.text(of: error)))")
        }
        let (header, start) = try header(data, path)
        let count = run.parameters.trainedCount
        guard header.settings == settings.hex, header.count == count else {
            throw LearningError(
                .mismatch, path,
                "belongs to a run with other settings, data or trunk; repeat the command as it was, or throw the run away with --restart"
            )
        }
        data.withUnsafeBytes { bytes in
            var place = start
            for values in [run.parameters.values, run.optimiser.first, run.optimiser.second] {
                let part = UnsafeRawBufferPointer(rebasing: bytes[place..<place + count * 4])
                UnsafeMutableRawBufferPointer(start: values.base, count: count * 4).copyMemory(from: part)
                place += count * 4
            }
        }
        run.resume(at: header.step)
        return header.heldBefore
    }

    private static func header(_ data: Data, _ path: String) throws(LearningError) -> (Header, start: Int) {
        let broken = LearningError(
            .malformed, path, "is not a whole checkpoint of this program; throw the run away with --restart")
        guard data.count > 48, Array(data.prefix(8)) == magic else { throw broken }
        let length = data[8..<16].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard length < UInt64(data.count - 48),
            let header = try? JSONDecoder().decode(Header.self, from: data[16..<16 + Int(length)]), header.version == 1,
            header.count >= 0, header.count < 1 << 40, data.count == 16 + Int(length) + header.count * 12 + 32
        else { throw broken }
        var hasher = SHA256()
        data.dropLast(32).withUnsafeBytes { hasher.update($0.bytes) }
        guard hasher.finalise().bytes == Array(data.suffix(32)) else { throw broken }
        return (header, 16 + Int(length))
    }
}

/// Writes beside a file's place and renames into it, everything on the disk first: a kill or a full disk leaves what was there.
final class AtomicFile {
    private let path: String
    private let partial: String
    private var descriptor: Int32

    init(_ path: String) throws(LearningError) {
        self.path = path
        partial = path + ".partial"
        descriptor = open(partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw failure() }
    }

    deinit {
        guard descriptor >= 0 else { return }
        close(descriptor)
        unlink(partial)
    }

    func write(_ bytes: [UInt8]) throws(LearningError) {
        guard bytes.withUnsafeBytes({ put($0) }) else { throw failure() }
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws(LearningError) {
        guard put(bytes) else { throw failure() }
    }

    /// False with `errno` set where not all of it could be written.
    private func put(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var rest = bytes
        while !rest.isEmpty {
            let count = Foundation.write(descriptor, rest.baseAddress, rest.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
        }
        return true
    }

    func finish() throws(LearningError) {
        guard fsync(descriptor) == 0, rename(partial, path) == 0 else { throw failure() }
        close(descriptor)
        descriptor = -1
    }

    private func failure() -> LearningError {
        let why = String(cString: strerror(errno))
        return LearningError(
            .unwritable, path,
            "cannot be written (\(why)); make room, then go on with --resume from the last checkpoint")
    }
}
