/// A mistake planted between the core and its world, to see that the referee notices: a simulator that never fails
/// proves nothing.
package enum Sabotage: String, CaseIterable, Sendable {
    /// Now and then new tokens do not reach the shell.
    case dropAdvance
    /// Now and then an ending does not reach its client.
    case dropEnding
    /// An ending is performed twice.
    case duplicateEnding
    /// A re-dispatch leaves out the last token that was generated.
    case shortenPrefix
    /// A re-dispatch forgets the seed.
    case changeSeed
    /// Timers fire half a second late.
    case lateTicks
    /// Withdrawals do not reach workers.
    case dropWithdraw
    /// The core is told of larger limits than it is held to.
    case looseLimits
    /// The core never dispatches again.
    case neverRedispatch
    /// The core counts workers as lost only after a minute.
    case blindToSilence
    /// Workers are told to go on with other numerics than the query began with.
    case mixNumerics
    /// An assignment is sent to the worker twice.
    case duplicateAssign
}

/// How large a simulated cluster is and what happens to it.
package struct SimulationOptions: Sendable {
    /// Three quarters of the simulations stay in the lower quarter of this range.
    package var workers: ClosedRange<Int> = 8...64
    /// One in five has one to three workers only: there, nobody else is at hand.
    package var includesTinyClusters = true
    package var clients: ClosedRange<Int> = 2...12
    /// How long clients submit and faults happen; then everything heals and must drain.
    package var activeMilliseconds: ClosedRange<Int> = 600...3000
    /// Mean number of faults in a simulated second; 0: none.
    package var faultsPerSecond: ClosedRange<Int> = 0...12
    package var sabotage: Sabotage?
    /// Queries walk random graphs, instead of going to one model in a larger and worse network.
    package var walks = false
    /// How many lines of the event log a failing outcome carries.
    package var logLines = 80
    /// Carry the log also where nothing failed.
    package var logsAlways = false

    package init() {}
}

/// How one simulation went.
package struct SimulationOutcome: Sendable {
    package var seed: UInt64
    /// Empty: every promise was kept.
    package var violations: [String]
    /// Events that the core handled.
    package var steps: Int
    package var simulatedMilliseconds: UInt64
    package var accepted: Int
    package var answered: Int
    /// By failure kind.
    package var failed: [String: Int]
    package var redispatches: Int
    /// A digest of every directive: equal seeds must give equal digests, on any machine.
    package var digest: UInt64
    /// The events before the first violation.
    package var log: [String]
    /// Of walks: what happened on the way, so that a test can tell that all of it did.
    package var seen: Set<String> = []

    package var report: String {
        var lines = [
            "seed \(seed): \(violations.isEmpty ? "ok" : "\(violations.count) violations") after \(steps) events"
        ]
        lines += violations.prefix(10).map { "  violated: \($0)" }
        if !log.isEmpty { lines += ["  the last events:"] + log.map { "    " + $0 } }
        return lines.joined(separator: "\n")
    }
}
