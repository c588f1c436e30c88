import Simulation
import Testing

/// Queries that walk random graphs, edited on the way, among failing workers, servers and clients.
@Suite("Simulated walks")
struct WalkCampaignTests {
    static var options: SimulationOptions {
        var options = SimulationOptions()
        options.walks = true
        return options
    }

    @Test("Seeds that once failed are clean", arguments: Seeds.pastWalks)
    func past(seed: UInt64) {
        let outcome = Simulator.run(seed: seed, options: Self.options)
        #expect(outcome.violations.isEmpty, "\(outcome.report)")
    }

    @Test("Every promise is kept, and everything that can happen does")
    func coverage() {
        var seen: Set<String> = []
        var failed: Set<String> = []
        var (accepted, answered) = (0, 0)
        let first = UInt64.random(in: 0...UInt64.max / 2)
        for seed in first..<first + 800 {
            let outcome = Simulator.run(seed: seed, options: Self.options)
            #expect(outcome.violations.isEmpty, "\(outcome.report)")
            if !outcome.violations.isEmpty { break }
            seen.formUnion(outcome.seen)
            failed.formUnion(outcome.failed.keys)
            accepted += outcome.accepted
            answered += outcome.answered
        }
        let happens: Set<String> = [
            "adopted", "gathered", "branch", "kept", "unsure", "rewritten", "edited", "asked", "chosen", "abstained",
            "underThresholds", "stayed", "masterDown", "fallback", "escalated", "handed",
        ]
        #expect(happens.subtracting(seen).isEmpty, "never seen: \(happens.subtracting(seen))")
        let failures: Set<String> = ["refused", "deadlineExceeded", "cancelled", "noWorker", "endpointFailed"]
        #expect(failures.subtracting(failed).isEmpty, "never seen: \(failures.subtracting(failed))")
        #expect(answered > accepted / 3)
    }

    /// A referee that never objects proves nothing.
    @Test("Planted mistakes are found", arguments: [Sabotage.dropAdvance, .duplicateEnding, .lateTicks])
    func found(sabotage: Sabotage) {
        var options = Self.options
        options.sabotage = sabotage
        options.logLines = 0
        let violation = (UInt64(1)...100).lazy.compactMap {
            Simulator.run(seed: $0, options: options).violations.first
        }.first
        #expect(violation?.hasPrefix(sabotage == .dropAdvance ? "P3" : "P2") == true, "\(violation ?? "nothing")")
    }

    @Test("A seed is the whole story")
    func deterministic() {
        for seed in UInt64(1)...5 {
            let runs = (0..<2).map { _ in Simulator.run(seed: seed, options: Self.options).digest }
            #expect(runs[0] == runs[1])
        }
    }
}
