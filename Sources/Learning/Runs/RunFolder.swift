import Foundation
import SystemReasons

/// Where a run keeps its checkpoint until its result is written: `OUT.run` beside the result. One process at a time works in it, and a run
/// that ends before its first checkpoint, refused for one, leaves nothing behind.
package final class RunFolder {
    package let path: String
    private let lock: Int32
    private var isLocked = false

    /// - Parameter isResumed: whether a checkpoint must be there; without, none may.
    package init(for out: String, isResumed: Bool, restarts: Bool) throws(LearningError) {
        path = out + ".run"
        do { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) } catch {
            throw LearningError(.unwritable, path, "cannot be made (\(SystemReason.text(of: error)))")
        }
        lock = open(path + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard lock >= 0 else {
            throw LearningError(.unwritable, lockPath, "cannot be made (\(String(cString: strerror(errno))))")
        }
        guard flock(lock, LOCK_EX | LOCK_NB) == 0, isInPlace else {
            throw LearningError(.taken, path, "another run works here; wait for it, or choose another --out")
        }
        isLocked = true
        if restarts { unlink(state) }
        guard isResumed == hasState else {
            throw isResumed
                ? LearningError(.mismatch, state, "there is no checkpoint to go on from; leave --resume out")
                : LearningError(
                    .taken, state, "an interrupted run: go on with it (--resume) or throw it away (--restart)")
        }
    }

    /// Without a checkpoint the folder goes, unless something else lies in it.
    deinit {
        if isLocked, !hasState, isInPlace {
            unlink(lockPath)
            rmdir(path)
        }
        close(lock)
    }

    /// Whether the lock is still the file that others would open: a run that ended may have taken it away in between.
    private var isInPlace: Bool {
        var (mine, named) = (stat(), stat())
        return fstat(lock, &mine) == 0 && stat(lockPath, &named) == 0 && mine.st_ino == named.st_ino
    }

    private var lockPath: String { "\(path)/lock" }

    package var state: String { "\(path)/state" }
    private var hasState: Bool { FileManager.default.fileExists(atPath: state) }

    /// Takes the folder away, once the result stands in its place.
    package func remove() { try? FileManager.default.removeItem(atPath: path) }
}
