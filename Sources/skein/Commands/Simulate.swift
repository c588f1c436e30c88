import ArgumentParser
import Simulation
import Threading

struct Simulate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Runs the routing core in simulated, failing clusters and checks its promises.",
        discussion: """
            Ends after --seeds simulations, after --seconds, or after five that broke a promise; without either it runs one. \
            A failing seed is printed with its last events, and --seed with it runs the same simulation again.
            """)

    @Option(help: "Simulations at most.") var seeds: Int?
    @Option(help: "Real seconds at most.") var seconds: Double?
    @Flag(help: "Queries walk random graphs of nodes, edited on the way.") var walks = false
    @Option(help: "The first seed (default: drawn at random and printed).") var seed: UInt64?

    /// A year: longer is a mistake.
    private static let secondsMax = 31_536_000.0

    func validate() throws {
        if let seeds, seeds < 1 { throw ValidationError("--seeds is \(seeds); it must be at least 1") }
        if let seconds, !(seconds > 0 && seconds <= Self.secondsMax) {
            throw ValidationError("--seconds is \(seconds); it must be over 0, up to \(Int(Self.secondsMax))")
        }
    }

    func run() throws {
        let first = seed ?? .random(in: 0 ... .max)
        print("first seed \(first)")
        let started = MonotonicClock.nowMicroseconds
        var shown: UInt64 = 0
        var options = SimulationOptions()
        options.walks = walks
        let outcome = Simulator.campaign(
            firstSeed: first, seedsMax: seeds ?? (seconds == nil ? 1 : .max),
            millisecondsMax: seconds.map { UInt64(($0 * 1000).rounded(.up)) } ?? .max,
            options: options,
            elapsedMilliseconds: {
                let elapsed = (MonotonicClock.nowMicroseconds - started) / 1000
                // Once a second.
                if elapsed / 1000 > shown {
                    shown = elapsed / 1000
                    Terminal.progress("simulating for \(shown) s")
                }
                return elapsed
            },
            onFailure: { failure in
                Terminal.endProgress()
                print(failure.report)
            })
        Terminal.endProgress()
        print(outcome.report)
        guard outcome.failingSeeds.isEmpty else {
            throw CommandFailure.failed("\(outcome.failingSeeds.count) simulations broke a promise; seeds above")
        }
    }
}
