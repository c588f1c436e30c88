import Gating
import Kernels

/// Experts that each token finds by itself at each site (PHATGOOSE, Arrow and their baselines).
///
///     decide     G u for all gates, scores, top-k, weights: a list of (linear, expert, row, weight)
///     compute    one row s · B (A u) for each: an `ExpertRowSource`, here or on workers
///     add        y += weight · row, in ascending expert id
///
/// What a row gets depends on its own input and its sequence's route alone (P1), so that requests of different routes share a step.
package final class RoutedExpertBank: ExpertBank {
    /// What new sequences begin with.
    package private(set) var set: ExpertSet
    /// For requests that name no route.
    package let defaultRoute: RouteOptions
    /// Where a test or a replay gives choices instead of scores: the experts and weights of a token at a linear of a group, or nil.
    package var replay: ((RowOrigin, _ group: Int, _ linear: Int) -> Choice?)?
    /// Called with the highest score of every decision that scores make, whoever is chosen: what a null expert's τ is set by.
    package var onTopScore: ((RowOrigin, _ group: Int, _ linear: Int, _ score: Float) -> Void)? {
        didSet { decider.onTopScore = onTopScore }
    }

    /// A set that only rehearsals meet; every few steps live rows are counted as if it were theirs.
    package var candidate: ExpertSet? {
        didSet {
            guard candidate !== oldValue else { return }
            sample = candidate.map { _ in ShadowSample(rowsMax: rowsMax, team: context.team) }
        }
    }
    private var sample: ShadowSample?
    private let rowsMax: Int

    /// Sets of experts in use at once.
    package static let liveVersionsMax = 2
    /// Traces of ended sequences that are kept until they are taken.
    package static let endedTracesMax = 16

    private let source: any ExpertRowSource
    private let context: ComputeContext
    private var routes: [SequenceID: SequenceRoute] = [:]
    private var endedTraces: [(sequence: SequenceID, trace: [TracedChoice])] = []
    private var rows = StepRows()
    private let decider: RouteDecider
    private let results = ExpertRows()
    private var routing: GroupRouting?
    private var blocks: [WeightedBlock] = []
    private var open: (group: SiteGroup, input: Columns, begun: Bool)?
    private var ticket: UInt64 = 0
    private var failures = StepFailures()
    /// By sequence and expert: (token, site) pairs that went without.
    private var missing: [SequenceID: [String: UInt64]] = [:]

    /// - Parameter rowsMax: rows of a batch.
    package init(
        _ set: ExpertSet, source: any ExpertRowSource, defaultRoute: RouteOptions = .off, rowsMax: Int,
        team: ComputeTeam,
        instructionSet: InstructionSet = .best
    ) {
        self.set = set
        self.source = source
        self.defaultRoute = defaultRoute
        self.rowsMax = rowsMax
        context = ComputeContext(team: team, instructionSet: instructionSet)
        decider = RouteDecider(rowsMax: rowsMax, team: team)
    }

    /// All experts in this process.
    package convenience init(
        _ set: ExpertSet, defaultRoute: RouteOptions = .off, rowsMax: Int, team: ComputeTeam,
        instructionSet: InstructionSet = .best
    ) {
        self.init(
            set, source: LocalExpertRows(team: team, instructionSet: instructionSet), defaultRoute: defaultRoute,
            rowsMax: rowsMax, team: team, instructionSet: instructionSet)
    }
}

extension RoutedExpertBank {
    package func serves(_ group: SiteGroup) -> Bool { !group.linears.contains { $0.site == "lm_head" } }

    package func admit(_ sequence: SequenceID, route: RouteRequest?) throws(RouteRefusal) {
        let route = route ?? RouteRequest(defaultRoute)
        guard !route.rehearses || candidate != nil else { throw RouteRefusal("there is no candidate to rehearse with") }
        routes[sequence] = try SequenceRoute(sequence, route, route.rehearses ? candidate ?? set : set)
    }

    package func end(_ sequence: SequenceID) {
        guard let route = routes.removeValue(forKey: sequence), !route.trace.isEmpty else { return }
        if endedTraces.count == Self.endedTracesMax { endedTraces.removeFirst() }
        endedTraces.append((sequence, route.trace))
    }

    /// The sets in use: those of running sequences, and the one that the next begins with.
    package var liveSets: [ExpertSet] {
        var sets = [set] + (candidate.map { [$0] } ?? [])
        for route in routes.values where !sets.contains(where: { $0 === route.set }) { sets.append(route.set) }
        return sets
    }

    /// Whether `publish` would take it.
    package func hasRoom(for new: ExpertSet) -> Bool {
        var live = Set(routes.values.map(\.set.version))
        live.insert(new.version)
        return live.count <= Self.liveVersionsMax
    }

    /// Between two steps: what sequences begin with from now on. Throws while `liveVersionsMax` versions are in use.
    package func publish(_ new: ExpertSet) throws(RouteRefusal) {
        guard hasRoom(for: new) else {
            throw RouteRefusal(
                "busy: \(Self.liveVersionsMax) versions of the experts are in use; try again when requests have ended")
        }
        set = new
    }

    /// What a sequence that traces has chosen since the last call, in the order of computation. The last `endedTracesMax` that ended can
    /// be asked once more.
    package func takeTrace(_ sequence: SequenceID) -> [TracedChoice] {
        if let index = endedTraces.firstIndex(where: { $0.sequence == sequence }) {
            return endedTraces.remove(at: index).trace
        }
        guard let route = routes[sequence] else { return [] }
        defer { route.trace.removeAll(keepingCapacity: true) }
        return route.trace
    }

    /// By name, the experts that a sequence chose while nobody could compute them, and for how many (token, site) pairs; once. Kept beyond
    /// the sequence's end.
    package func takeMissing(_ sequence: SequenceID) -> [String: UInt64] {
        missing.removeValue(forKey: sequence) ?? [:]
    }

    /// What all rows have chosen since the last call.
    package func takeStatistics() -> RoutingStatistics { takeStatistics(of: set) }

    /// Of one of the live sets.
    package func takeStatistics(of set: ExpertSet) -> RoutingStatistics { decider.takeStatistics(of: set) }

    /// What live rows would have chosen of the candidate since the last call; nil without one.
    package func takeShadowStatistics() -> RoutingStatistics? {
        candidate.flatMap { sample?.take($0) }
    }

    package func prepare(_ origins: [RowOrigin]) {
        failures.removeAll()
        rows.prepare(origins, routes)
        if let candidate { sample?.prepare(origins, routes, candidate: candidate) }
    }

    package func narrow(_ origins: [RowOrigin]) {
        failures.removeAll()
        rows.prepare(origins, routes)
        sample?.narrow(origins)
    }
}

extension RoutedExpertBank {
    package func begin(_ group: SiteGroup, input: Columns, origins: [RowOrigin]) -> ExpertTicket {
        ticket += 1
        guard rows.isRouted else { return ExpertTicket(number: ticket) }
        let begins = rows.versions.contains { source.worksElsewhere(for: $0) }
        open = (group, input, begins)
        guard rows.versions[0].serves(group) else { return ExpertTicket(number: ticket) }
        let gates = decider.gateProducts(0, rows, group)
        guard begins else { return ExpertTicket(number: ticket, gates: gates) }
        multiply(gates, input)
        decide(0, group)
        if let routing, !routing.isEmpty { source.begin(routing, input: input) }
        return ExpertTicket(number: ticket)
    }

    package func collect(_ ticket: ExpertTicket, into outputs: [Columns]) throws(ExpertBankError) {
        guard let work = open else { return }
        open = nil
        if let sample, sample.isCounting { sample.count(work.group, work.input, context) }
        for version in rows.versions.indices where rows.versions[version].serves(work.group) {
            // The caller has multiplied by the gates of the first set.
            if version > 0 { multiply(decider.gateProducts(version, rows, work.group), work.input) }
            if work.begun {
                if version > 0 {
                    decide(version, work.group)
                    if let routing, !routing.isEmpty { source.begin(routing, input: work.input) }
                }
                finish(outputs)
            } else {
                decide(version, work.group)
                computeHere(work.input, outputs)
            }
        }
        if let failure = failures.take() { throw failure }
    }

    private func multiply(_ gates: [GateProduct], _ input: Columns) {
        for product in gates { context.multiply(input, rows: rows.count, by: product) }
    }

    /// Decides for all rows of the batch.
    private func decide(_ version: Int, _ group: SiteGroup) {
        let routing = self.routing ?? GroupRouting(set: set, group: group)
        self.routing = routing
        routing.removeAll(set: rows.versions[version], group: group)
        decider.decide(version, rows, into: routing, replay: replay, failures: &failures)
    }

    private func computeHere(_ input: Columns, _ outputs: [Columns]) {
        guard let routing, !routing.isEmpty else { return }
        if source.add(routing, input: input, rows: rows.count, to: outputs) { return }
        source.begin(routing, input: input)
        finish(outputs)
    }

    /// Waits for the rows of the routing, and adds them.
    private func finish(_ outputs: [Columns]) {
        guard let routing, !routing.isEmpty else { return }
        results.layOut(routing)
        let missing = source.collect(routing, into: results)
        if !missing.isEmpty {
            note(missing, routing)
            decider.leaveOut(missing, rows, routing, &failures)
        }
        blocks.removeAll(keepingCapacity: true)
        var next = 0
        for (index, pair) in routing.pairs.enumerated() {
            if next < missing.count, missing[next].pair == index {
                next += 1
                continue
            }
            blocks.append(
                WeightedBlock(
                    first: pair.first, count: pair.count, start: results.starts[index], output: outputs[pair.linear]))
        }
        context.add(blocks, rowIndices: routing.rows, weights: routing.weights, from: results.arena, rows: rows.count)
    }
}

extension RoutedExpertBank {
    private func note(_ pairs: [MissingPair], _ routing: GroupRouting) {
        for entry in pairs {
            let pair = routing.pairs[entry.pair]
            let name = pair.expert < routing.set.experts.count ? routing.set.experts[pair.expert].name : "common"
            for item in pair.first..<pair.first + pair.count {
                let sequence = rows.origins[Int(routing.rows[item])].sequence
                missing[sequence, default: [:]][name, default: 0] += 1
            }
        }
    }
}
