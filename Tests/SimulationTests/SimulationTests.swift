import Routing
import Simulation
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

@Suite("Simulation")
struct SimulationTests {
    private func environment(_ name: String) -> UInt64? {
        // getenv is not safe against a concurrent setenv; nothing here sets the environment.
        unsafe getenv(name).flatMap { unsafe UInt64(String(cString: $0)) }
    }

    @Test("Seeds that once failed are clean", arguments: Seeds.past)
    func past(seed: UInt64) {
        let outcome = Simulator.run(seed: seed)
        #expect(outcome.violations.isEmpty, "\(outcome.report)")
        #expect(outcome.accepted > 0 && outcome.steps > 100)
    }

    /// SKEIN_SIMULATION_SECONDS sets the time (10 s unless told otherwise), SKEIN_SIMULATION_SEED the first seed.
    @Test("Fresh seeds keep every promise")
    func fresh() {
        let first = environment("SKEIN_SIMULATION_SEED") ?? UInt64.random(in: 0...UInt64.max)
        let seconds = environment("SKEIN_SIMULATION_SECONDS") ?? 10
        print("simulation: first seed \(first), \(seconds) s")
        let clock = ContinuousClock()
        let start = clock.now
        let campaign = Simulator.campaign(
            firstSeed: first, seedsMax: .max, millisecondsMax: seconds * 1000,
            elapsedMilliseconds: { UInt64(max(0, (clock.now - start) / .milliseconds(1))) },
            onFailure: { print($0.report) })
        print("simulation: \(campaign.report)")
        #expect(campaign.failingSeeds.isEmpty, "add these to Seeds.swift once fixed: \(campaign.failingSeeds)")
        #expect(campaign.seeds > 0 && campaign.answered > 0)
    }

    /// Swift seeds its hashes anew in every process: a walk over a dictionary that decided anything would show here.
    /// A change of the simulation changes these numbers; two runs of the tests must agree on the new ones.
    @Test("A seed is the whole story, in every process and on every machine")
    func deterministic() {
        let digests = (UInt64(1)...3).map { Simulator.run(seed: $0).digest }
        #expect(digests == [11_579_993_400_170_464_751, 13_858_600_337_583_834_696, 4_026_915_571_218_142_666])
    }

    /// A simulation in which nothing goes wrong proves nothing.
    @Test("Everything that can happen does happen")
    func coverage() {
        var failed: Set<String> = []
        var (redispatches, answered, accepted) = (0, 0, 0)
        for seed in UInt64(1)...1500 {
            let outcome = Simulator.run(seed: seed)
            #expect(outcome.violations.isEmpty, "\(outcome.report)")
            failed.formUnion(outcome.failed.keys)
            redispatches += outcome.redispatches
            answered += outcome.answered
            accepted += outcome.accepted
        }
        let wanted: Set<String> = [
            "busy", "cancelled", "deadlineExceeded", "draining", "invalidParameter", "leaseExpired", "poisonQuery",
            "workerLost",
        ]
        #expect(wanted.subtracting(failed).isEmpty, "never seen: \(wanted.subtracting(failed))")
        #expect(redispatches > 500)
        #expect(answered > accepted / 2)
    }

    @Test("A small quiet cluster answers everything that is not cut off by its own deadline")
    func quiet() {
        var options = SimulationOptions()
        options.workers = 2...4
        options.faultsPerSecond = 0...0
        for seed in UInt64(1)...100 {
            let outcome = Simulator.run(seed: seed, options: options)
            #expect(outcome.violations.isEmpty, "\(outcome.report)")
            #expect(outcome.failed["workerLost"] == nil && outcome.failed["poisonQuery"] == nil)
        }
    }
}
