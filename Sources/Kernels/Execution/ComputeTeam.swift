import CKernels
import Foundation

/// A caller and `threads - 1` persistent threads that share out the parts of one job at a time.
///
/// Parts are claimed one by one, so a thread that the operating system holds back delays at most the part it is in. Idle threads
/// spin briefly, then sleep. Jobs from several threads at once take turns. The threads end with the last reference.
package final class ComputeTeam: Sendable {
    package let threads: Int
    nonisolated(unsafe) let handle: OpaquePointer

    /// `threads` counts the caller and is at least 1. `spinMicroseconds`: how long an idle thread keeps its core before it
    /// sleeps; by default 50, or none where there are fewer cores than threads.
    package init(threads: Int, spinMicroseconds: Int? = nil) {
        precondition((1...1024).contains(threads), "a team has 1 to 1024 threads, not \(threads)")
        let spin = spinMicroseconds ?? (ProcessInfo.processInfo.activeProcessorCount < threads ? 0 : 50)
        guard let handle = ck_team_create(Int32(threads), Int64(spin) * 1000) else {
            fatalError("cannot start \(threads - 1) compute threads: the limit on threads or memory is reached")
        }
        self.threads = threads
        self.handle = handle
    }

    deinit { ck_team_destroy(handle) }

    /// Runs `body(0 ..< parts)`, in any order and on any thread of the team, and returns when all have ended.
    /// `body` must not call `run` on the same team.
    package func run(parts: Int, _ body: @Sendable (Int) -> Void) {
        precondition((0...Int(Int32.max)).contains(parts), "\(parts) parts")
        withoutActuallyEscaping(body) { body in
            var job = Job(body: body)
            withUnsafeMutablePointer(to: &job) { job in
                ck_team_run(
                    handle, Int32(parts),
                    { job, part, _ in job?.assumingMemoryBound(to: Job.self).pointee.body(Int(part)) }, job)
            }
        }
    }

    private struct Job {
        let body: @Sendable (Int) -> Void
    }
}
