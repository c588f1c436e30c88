import Simulation
import Testing

/// Mistakes planted on purpose: the referee has to notice each of them, for the right reason.
@Suite("The referee has teeth")
struct TeethTests {
    /// What the violation begins with, and how many seeds may pass before it shows.
    static let bites: [(Sabotage, [String], UInt64)] = [
        (.dropAdvance, ["P4", "P2"], 50),
        (.dropEnding, ["P2"], 50),
        (.duplicateEnding, ["P2"], 50),
        (.shortenPrefix, ["P4"], 100),
        (.changeSeed, ["P4"], 100),
        (.lateTicks, ["P2", "membership"], 50),
        (.dropWithdraw, ["cancel", "membership"], 400),
        (.looseLimits, ["P5"], 100),
        (.neverRedispatch, ["P4"], 100),
        (.blindToSilence, ["membership"], 400),
        (.mixNumerics, ["P1", "P4"], 400),
        (.duplicateAssign, ["P4", "P5"], 600),
    ]

    @Test("Every planted mistake is found", arguments: bites.indices)
    func found(index: Int) {
        let (sabotage, reasons, seedsMax) = Self.bites[index]
        var options = SimulationOptions()
        options.sabotage = sabotage
        options.logLines = 0
        var violation: String?
        var seed: UInt64 = 0
        while violation == nil, seed < seedsMax {
            seed += 1
            violation = Simulator.run(seed: seed, options: options).violations.first
        }
        let found = violation ?? "nothing"
        #expect(reasons.contains { found.hasPrefix($0) }, "\(sabotage), \(seed) seeds: \(found)")
    }

    @Test("Every kind of mistake is tried")
    func complete() {
        #expect(Set(Self.bites.map(\.0)) == Set(Sabotage.allCases))
    }

    @Test("A failing outcome brings a log that ends where it failed, and names its seed")
    func log() throws {
        var options = SimulationOptions()
        options.sabotage = .duplicateEnding
        options.logLines = 40
        let failing = (UInt64(1)...50).lazy.map { Simulator.run(seed: $0, options: options) }
            .first { !$0.violations.isEmpty }
        let outcome = try #require(failing)
        #expect((1...40).contains(outcome.log.count))
        #expect(outcome.report.contains("seed \(outcome.seed)"))
        #expect(outcome.log.contains { $0.contains("forget") })
    }
}
