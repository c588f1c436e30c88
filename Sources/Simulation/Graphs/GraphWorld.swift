import Routing

/// Queries that walk random graphs while workers, servers and clients fail: the core alone, under a clock of its own.
struct GraphWorld {
    enum Plan {
        case tick
        case event(Event)
        case submit, fault, heartbeats, renewals
        case work(AssignmentID)
        case call(UInt64, sent: Int)
        case wake(Int)
        case quiet
    }

    struct Worker {
        let name: String
        var models: [String]
        var isThere = false
        var incarnation: UInt64 = 0
        /// Says nothing until then.
        var silentUntil = Instant(microseconds: 0)
        var connection: WorkerConnection { WorkerConnection(routingID: Array("\(name).\(incarnation)".utf8)) }
    }

    struct Job {
        var assign: Assign
        var worker: Int
        var incarnation: UInt64
        var sent = 0
    }

    let seed: UInt64
    let options: SimulationOptions
    var chance: SplitMix64
    var now = Instant(microseconds: 1_000_000)
    var agenda = Agenda<Plan>()
    var machine: RoutingStateMachine
    var graph: NodeGraph
    let limits: RoutingLimits
    var referee = GraphReferee()
    var log: EventLog
    var workers: [Worker] = []
    var jobs: [AssignmentID: Job] = [:]
    var calls: [UInt64: EndpointCall] = [:]
    var gathered: [QueryKey: [Int32]] = [:]
    /// Whom the client's pipe has no room for, for the moment.
    var fullUntil: [String: Instant] = [:]
    var isQuiet = false
    var tickAt: Instant?
    var nextID: UInt64 = 1
    var (steps, digest) = (0, UInt64(0))
    let activeUntil: Instant

    init(seed: UInt64, options: SimulationOptions, isLogging: Bool) {
        (self.seed, self.options) = (seed, options)
        var chance = SplitMix64(seed: seed)
        graph = RandomGraph.make(&chance)
        var configuration = RoutingConfiguration()
        configuration.graph = graph
        configuration.limits.queriesMax = chance.within(4...40)
        configuration.limits.queuedMax = chance.within(4...40)
        configuration.limits.promptTokensMax = chance.within(8...40)
        configuration.limits.promptTokensTotalMax = chance.within(40...2000)
        configuration.limits.generatedTokensMax = chance.within(8...64)
        configuration.limits.retainedMilliseconds = 100_000
        configuration.limits.retainedMax = 4096
        configuration.limits.retainedPerIdentityMax = 4096
        configuration.leaseMilliseconds = 2000
        configuration.withdrawMilliseconds = 2000
        configuration.stallMilliseconds = 1000
        configuration.waitForWorkerMilliseconds = chance.chance(perMille: 300) ? 300 : 0
        limits = configuration.limits
        machine = RoutingStateMachine(configuration: configuration, at: now)
        log = EventLog(isOn: isLogging, linesMax: options.logLines)
        activeUntil = now.advanced(byMilliseconds: UInt64(chance.within(options.activeMilliseconds)))
        for index in 0..<chance.within(1...4) {
            let all = RandomGraph.models + (RandomGraph.masters + [RandomGraph.hander]).map { "master:\($0)" }
            workers.append(
                Worker(name: "w\(index)", models: index == 0 ? all : all.filter { _ in chance.chance(perMille: 600) }))
        }
        self.chance = chance
        for index in workers.indices { plan(.wake(index), in: chance.below(50_000)) }
        plan(.submit, in: 60_000)
        plan(.fault, in: 150_000)
        plan(.heartbeats, in: 400_000)
        plan(.renewals, in: 500_000)
        agenda.plan(.quiet, at: activeUntil)
    }

    mutating func plan(_ plan: Plan, in microseconds: Int) {
        agenda.plan(plan, at: now.advanced(byMicroseconds: UInt64(microseconds)))
    }

    mutating func run() -> SimulationOutcome {
        let end = activeUntil.advanced(byMilliseconds: 8000)
        while referee.violations.isEmpty, let next = agenda.nextMoment, next <= end, let entry = agenda.next() {
            now = max(now, entry.moment)
            perform(entry.item)
        }
        let census = machine.census
        if referee.violations.isEmpty, census.liveQueries + census.branches > 0 {
            referee.object("P2: \(census.liveQueries) queries and \(census.branches) branches are left")
        }
        if referee.violations.isEmpty { referee.checkEndings() }
        if referee.violations.isEmpty, !calls.isEmpty { referee.object("P5: \(calls.count) calls go on for nobody") }
        return SimulationOutcome(
            seed: seed, violations: referee.violations, steps: steps, simulatedMilliseconds: now.microseconds / 1000,
            accepted: referee.accepted, answered: referee.answered, failed: referee.failed, redispatches: 0,
            digest: digest, log: log.lines, seen: referee.seen)
    }

    private mutating func perform(_ plan: Plan) {
        switch plan {
        case .tick:
            if tickAt.map({ $0 <= now }) ?? false { tickAt = nil }
            feed(.tick)
        case .event(let event): feed(event)
        case .submit: submit()
        case .fault: strike()
        case .heartbeats: beat()
        case .renewals: renew()
        case .work(let id): work(id)
        case .call(let ticket, let sent): speak(ticket, sent)
        case .wake(let index): wake(index)
        case .quiet: isQuiet = true
        }
    }

    // MARK: What nodes say

    /// What a node says to a query, whoever computes it: a hash, with an end.
    static func answer(_ node: String, _ query: UInt64) -> [Int32] {
        var state = SplitMix64.mix(query)
        for byte in node.utf8 { state = SplitMix64.mix(state ^ UInt64(byte)) }
        let count = Int(state % 9)
        return (0..<count).map { Int32(SplitMix64.mix(state &+ UInt64($0)) % 251) }
    }

    static func confidence(_ node: String, _ query: UInt64) -> Float {
        -Float(SplitMix64.mix(query ^ UInt64(node.utf8.last ?? 0) << 32) % 3)
    }

    /// Of a node's prompt: who and what for.
    static func prompt(_ node: String, _ query: UInt64) -> [Int32] {
        let index = (RandomGraph.answering + RandomGraph.masters).firstIndex(of: node) ?? 0
        return [Int32(index), Int32(query & 255), Int32(query >> 8 & 255)] + Array(repeating: 7, count: Int(query % 5))
    }
}
