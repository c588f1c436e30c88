import Dispatch
import Kernels
import Synchronization
import Testing

/// How often each part ran: one place per part, so that a part that runs twice at once is a race that sanitizers see.
private final class Tally: Sendable {
    nonisolated(unsafe) private let counts: UnsafeMutableBufferPointer<Int>

    init(_ parts: Int) {
        counts = .allocate(capacity: parts)
        counts.initialize(repeating: 0)
    }

    deinit { counts.deallocate() }

    func add(_ part: Int) { counts[part] += 1 }
    var values: [Int] { Array(counts) }
}

@Suite struct ComputeTeamTests {
    @Test(arguments: [1, 2, 8])
    func everyPartRunsOnce(threads: Int) {
        let team = ComputeTeam(threads: threads)
        for parts in [0, 1, 2, 3, 37, 1000] {
            let tally = Tally(parts)
            team.run(parts: parts) { tally.add($0) }
            #expect(tally.values == [Int](repeating: 1, count: parts))
        }
    }

    /// Many short jobs, with more threads than cores, that spin and that sleep at once: none is lost, none runs into the next.
    @Test(arguments: [0, 50])
    func manyJobsOnTooManyThreads(spinMicroseconds: Int) {
        let team = ComputeTeam(threads: 7, spinMicroseconds: spinMicroseconds)
        let sum = Atomic(0)
        var expected = 0
        for job in 0..<3000 {
            let parts = 2 + job % 23
            team.run(parts: parts) { sum.add($0 + job, ordering: .relaxed) }
            expected += parts * (parts - 1) / 2 + parts * job
            if sum.load(ordering: .relaxed) != expected {
                Issue.record("job \(job) returned before all its parts had ended, or ran one twice")
                break
            }
        }
    }

    @Test func jobsFromSeveralThreadsTakeTurns() {
        let team = ComputeTeam(threads: 3)
        let running = Atomic(0)
        let overlaps = Atomic(0)
        let done = Atomic(0)
        DispatchQueue.concurrentPerform(iterations: 4) { _ in
            for _ in 0..<200 {
                let mine = Atomic(0)
                team.run(parts: 5) { _ in
                    if mine.add(1, ordering: .relaxed).newValue == 1, running.add(1, ordering: .relaxed).newValue > 1 {
                        overlaps.add(1, ordering: .relaxed)
                    }
                    if mine.add(1, ordering: .relaxed).newValue == 10 { running.subtract(1, ordering: .relaxed) }
                    done.add(1, ordering: .relaxed)
                }
            }
        }
        #expect(overlaps.load(ordering: .relaxed) == 0)
        #expect(done.load(ordering: .relaxed) == 4 * 200 * 5)
    }

    @Test func teamsComeAndGo() {
        for round in 0..<200 {
            let tally = Tally(4)
            ComputeTeam(threads: 3, spinMicroseconds: round % 2 * 50).run(parts: 4) { tally.add($0) }
            #expect(tally.values == [1, 1, 1, 1])
        }
    }
}
