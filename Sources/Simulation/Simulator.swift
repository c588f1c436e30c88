import Routing

/// Runs the routing core in a made-up cluster, from one seed.
package enum Simulator {
    /// One simulation. A failing one is run again with a log, which costs nothing as long as nothing fails.
    package static func run(seed: UInt64, options: SimulationOptions = SimulationOptions()) -> SimulationOutcome {
        let outcome = run(seed, options, isLogging: options.logsAlways)
        guard !outcome.violations.isEmpty, options.logLines > 0, !options.logsAlways else { return outcome }
        return run(seed, options, isLogging: true)
    }

    private static func run(_ seed: UInt64, _ options: SimulationOptions, isLogging: Bool) -> SimulationOutcome {
        if options.walks {
            var world = GraphWorld(seed: seed, options: options, isLogging: isLogging)
            return world.run()
        }
        var world = World(seed: seed, options: options, isLogging: isLogging)
        return world.run()
    }

    /// Runs fresh seeds one after another until there were enough, the time is over or one fails. `elapsed` tells the
    /// milliseconds since the caller began: the simulation itself has no clock.
    package static func campaign(
        firstSeed: UInt64, seedsMax: Int, millisecondsMax: UInt64, options: SimulationOptions = SimulationOptions(),
        elapsedMilliseconds: () -> UInt64, onFailure: (SimulationOutcome) -> Void
    ) -> CampaignOutcome {
        var campaign = CampaignOutcome()
        var seeds = SplitMix64(seed: firstSeed)
        while campaign.seeds < seedsMax, elapsedMilliseconds() < millisecondsMax {
            // The first seed is run as it is, so that a printed seed can be given back as `firstSeed`.
            let seed = campaign.seeds == 0 ? firstSeed : seeds.next()
            let outcome = run(seed: seed, options: options)
            campaign.add(outcome)
            guard !outcome.violations.isEmpty else { continue }
            campaign.failingSeeds.append(seed)
            onFailure(outcome)
            if campaign.failingSeeds.count >= 5 { break }
        }
        campaign.elapsedMilliseconds = elapsedMilliseconds()
        return campaign
    }
}

/// What a run over many seeds amounts to.
package struct CampaignOutcome: Sendable {
    package var seeds = 0
    package var failingSeeds: [UInt64] = []
    package var steps = 0
    package var accepted = 0
    package var answered = 0
    package var failed: [String: Int] = [:]
    package var redispatches = 0
    package var simulatedMilliseconds: UInt64 = 0
    package var elapsedMilliseconds: UInt64 = 0

    fileprivate mutating func add(_ outcome: SimulationOutcome) {
        seeds += 1
        steps += outcome.steps
        accepted += outcome.accepted
        answered += outcome.answered
        failed.merge(outcome.failed, uniquingKeysWith: +)
        redispatches += outcome.redispatches
        simulatedMilliseconds += outcome.simulatedMilliseconds
    }

    package var report: String {
        let failures = failed.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
        let perSecond = elapsedMilliseconds == 0 ? 0 : UInt64(seeds) * 1000 / elapsedMilliseconds
        return """
            \(seeds) seeds (\(perSecond) a second), \(simulatedMilliseconds / 1000) simulated seconds, \(steps) events, \
            \(accepted) queries: \(answered) answered, \(redispatches) re-dispatches, failures: \(failures)
            \(failingSeeds.isEmpty ? "every promise kept" : "failing seeds: \(failingSeeds)")
            """
    }
}
