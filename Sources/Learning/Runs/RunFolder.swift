import Foundation
import SystemReasons

/// Where a run keeps its checkpoint until its result is written: `OUT.run` beside the result. One process at a time works in it.
package final class RunFolder {
    package let path: String
    private let lock: Int32

    /// - Parameter isResumed: whether a checkpoint must be there; without, none may.
    package init(for out: String, isResumed: Bool, restarts: Bool) throws(LearningError) {
        path = out + ".run"
        do { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) } catch {
            throw LearningError(.unwritable, path, "cannot be made (\(SystemReason.text(of: error)))")
        }
        lock = open("\(path)/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard lock >= 0 else {
            throw LearningError(.unwritable, "\(path)/lock", "cannot be made (\(String(cString: strerror(errno))))")
        }
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            throw LearningError(.taken, path, "another run works here; wait for it, or choose another --out")
        }
        if restarts { unlink(state) }
        guard isResumed == hasState else {
            throw isResumed
                ? LearningError(.mismatch, state, "there is no checkpoint to go on from; leave --resume out")
                : LearningError(
                    .taken, state, "an interrupted run: go on with it (--resume) or throw it away (--restart)")
        }
    }

    deinit { close(lock) }

    package var state: String { "\(path)/state" }
    private var hasState: Bool { FileManager.default.fileExists(atPath: state) }

    /// Takes the folder away, once the result stands in its place.
    package func remove() { try? FileManager.default.removeItem(atPath: path) }
}
