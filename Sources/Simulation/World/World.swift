import Routing

/// What is planned to happen.
enum Plan {
    case tick
    case atRouter(Peer, generation: Int, Event)
    /// Without a link: a socket monitor's word, or the encoding thread's.
    case toRouter(Event)
    case atWorker(Int, generation: Int, WorkerMessage)
    case atClient(Int, generation: Int, ClientMessage)
    case startWorker(Int, life: Int)
    case loaded(Int, life: Int)
    case sayHello(Int, life: Int)
    case heartbeat(Int, life: Int)
    case step(Int, life: Int)
    case thaw(Int, life: Int)
    case act(Int)
    case renewLeases(Int)
    case readAgain(Int)
    case fault
    case routerResumes
    case quiet
    case lookAround
}

/// One simulated cluster: the core, its shell, a network, workers, clients, and what goes wrong.
struct World {
    let seed: UInt64
    let options: SimulationOptions
    var chance: SplitMix64
    var now = Instant(microseconds: 1_000_000)
    var agenda = Agenda<Plan>()
    var machine: RoutingStateMachine
    let configuration: RoutingConfiguration
    var referee: Referee
    var log: EventLog

    var workers: [WorkerModel] = []
    var clients: [ClientModel] = []
    /// By body digest: what the client meant.
    var questions: [BodyDigest: Question] = [:]

    var activeUntil: Instant
    var isQuiet = false
    /// Nothing is left to happen but heartbeats.
    var isSettled = false
    let meanFaultGap: Int
    var tickAt: Instant?
    var steps = 0
    var redispatches = 0
    var digest: UInt64 = 0
    /// When a router that drains must be empty.
    var drainedBy: Instant?

    // The router's own pauses.
    var pausedUntil: Instant?
    var lastPause: (start: Instant, end: Instant)?
    /// What came while the router stood still.
    var routerInbox: [Event] = []

    init(seed: UInt64, options: SimulationOptions, isLogging: Bool) {
        self.seed = seed
        self.options = options
        var chance = SplitMix64(seed: seed)
        let configuration = World.configuration(&chance)
        self.configuration = configuration
        let told = options.sabotage.map { World.sabotaged(configuration, $0) } ?? configuration
        machine = RoutingStateMachine(configuration: told, at: now)
        referee = Referee(limits: configuration.limits)
        log = EventLog(isOn: isLogging, linesMax: options.logLines)
        activeUntil = now.advanced(byMilliseconds: UInt64(chance.within(options.activeMilliseconds)))
        let faults = chance.within(options.faultsPerSecond)
        meanFaultGap = faults == 0 ? 0 : 1_000_000 / faults
        self.chance = chance
        populate()
    }

    private static func configuration(_ chance: inout SplitMix64) -> RoutingConfiguration {
        var configuration = RoutingConfiguration()
        configuration.limits.queriesMax = chance.within(8...96)
        configuration.limits.queuedMax = chance.within(4...48)
        configuration.limits.promptTokensTotalMax = chance.within(200...4000)
        configuration.limits.retainedMax = chance.within(2...48)
        configuration.limits.retainedPerIdentityMax = chance.within(1...24)
        configuration.limits.retainedBytesMax = chance.within(2_000...60_000)
        configuration.limits.retainedMilliseconds = UInt64(chance.within(200...2000))
        configuration.limits.capacityPerWorkerMax = 8
        configuration.limits.workersMax = 64
        configuration.limits.congestedConnectionsMax = chance.within(1...8)
        configuration.stallMilliseconds = 2000
        configuration.withdrawMilliseconds = 2000
        configuration.lostWorkerMilliseconds = 3000
        configuration.leaseMilliseconds = 2000
        configuration.congestionMilliseconds = UInt64(chance.within(200...2000))
        configuration.waitForWorkerMilliseconds = chance.chance(perMille: 300) ? 800 : 0
        configuration.drainMilliseconds = UInt64(chance.within(100...3000))
        return configuration
    }

    private static func sabotaged(_ configuration: RoutingConfiguration, _ sabotage: Sabotage) -> RoutingConfiguration {
        var configuration = configuration
        switch sabotage {
        case .looseLimits:
            configuration.limits.queuedMax *= 4
            configuration.limits.queriesMax *= 4
            configuration.limits.retainedMax *= 4
        case .neverRedispatch: configuration.limits.redispatchesMax = 0
        case .blindToSilence: configuration.missedHeartbeatsMax = 120
        case .mixNumerics:
            for model in World.models { configuration.models[model] = .init(mixesNumerics: true) }
        default: break
        }
        return configuration
    }

    static let models = ["alpha", "beta"]

    private mutating func populate() {
        let (fewest, most) = (options.workers.lowerBound, options.workers.upperBound)
        let isLarge = chance.chance(perMille: 250)
        let isTiny = options.includesTinyClusters && chance.chance(perMille: 200)
        let count =
            isTiny ? chance.within(1...3) : chance.within(fewest...(isLarge ? most : fewest + (most - fewest) / 4))
        let slowness = chance.chance(perMille: 200) ? 8 : 1
        for index in 0..<count {
            workers.append(
                WorkerModel(
                    index: index, name: "w\(index / 10)\(index % 10)",
                    models: chance.chance(perMille: 300) ? World.models : [World.models[index % 2]],
                    acknowledgesUnknown: chance.chance(perMille: 700),
                    dropsAllWhenRefused: chance.chance(perMille: 300),
                    knowsModelsWhileLoading: chance.chance(perMille: 500), numerics: "n1",
                    capacity: chance.chance(perMille: 30) ? 1_000_000 : chance.within(1...4),
                    stepMicroseconds: slowness * chance.within(1_000...15_000), link: Link(peer: .worker(index))))
            plan(.startWorker(index, life: 0), in: chance.below(100_000))
        }
        for index in 0..<chance.within(options.clients) {
            let habit: Habit = chance.chance(perMille: 500) ? .faithful : chance.pick(Habit.allCases)
            clients.append(
                ClientModel(index: index, identity: "c\(index)", habit: habit, link: Link(peer: .client(index))))
            plan(.act(index), in: 150_000 + chance.below(300_000))
            plan(.renewLeases(index), in: 600_000)
        }
        if meanFaultGap > 0 { plan(.fault, in: 300_000 + chance.below(meanFaultGap)) }
        agenda.plan(.quiet, at: activeUntil)
    }

    mutating func plan(_ plan: Plan, in microseconds: Int) {
        agenda.plan(plan, at: now.advanced(byMicroseconds: UInt64(microseconds)))
    }

    // MARK: Running

    mutating func run() -> SimulationOutcome {
        let end = activeUntil.advanced(byMilliseconds: 12_000)
        while referee.violations.isEmpty, let next = agenda.nextMoment, next <= end, let entry = agenda.next() {
            now = max(now, entry.moment)
            perform(entry.item)
            if isSettled { break }
        }
        if referee.violations.isEmpty { checkEnd() }
        return outcome
    }

    private mutating func perform(_ plan: Plan) {
        switch plan {
        case .tick: tick()
        case .atRouter(let peer, let generation, let event):
            guard link(of: peer).generation == generation else { return }
            reachRouter(event)
        case .toRouter(let event): reachRouter(event)
        case .atWorker(let index, let generation, let message): reachWorker(index, generation, message)
        case .atClient(let index, let generation, let message): reachClient(index, generation, message)
        case .startWorker(let index, let life): startWorker(index, life)
        case .loaded(let index, let life): loadWorker(index, life)
        case .sayHello(let index, let life): sayHello(index, life)
        case .heartbeat(let index, let life): beat(index, life)
        case .step(let index, let life): stepWorker(index, life)
        case .thaw(let index, let life): thaw(index, life)
        case .act(let index): act(index)
        case .renewLeases(let index): renewLeases(index)
        case .readAgain(let index): readAgain(index)
        case .fault: strike()
        case .routerResumes: resumeRouter()
        case .quiet: quiet()
        case .lookAround: lookAround()
        }
    }

    func link(of peer: Peer) -> Link {
        switch peer {
        case .worker(let index): workers[index].link
        case .client(let index): clients[index].link
        }
    }

    /// Nearly always within 2 ms, sometimes late; never so late that a live worker would have to count as lost.
    mutating func delay() -> Int {
        chance.chance(perMille: 20) ? chance.below(250_000) : 50 + chance.below(2_000)
    }

    private var outcome: SimulationOutcome {
        SimulationOutcome(
            seed: seed, violations: referee.violations, steps: steps,
            simulatedMilliseconds: now.microseconds / 1000, accepted: referee.accepted, answered: referee.answered,
            failed: referee.failed, redispatches: redispatches, digest: digest, log: log.lines)
    }
}
