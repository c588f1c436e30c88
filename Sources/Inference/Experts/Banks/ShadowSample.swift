import Gating
import Kernels

/// What live rows would choose if a candidate were the set: gates of all, the newcomer's among them, on the inputs that rows have. No row is
/// computed with it, so at each site it is as if no earlier site had chosen the newcomer; rehearsals tell the rest. Every
/// `stepInterval`-th step counts, so that it costs a fraction of what routing costs.
final class ShadowSample {
    static let stepInterval = 8

    private let decider: RouteDecider
    private var rows = StepRows()
    private var routing: GroupRouting?
    private var failures = StepFailures()
    /// By sequence: its route against the candidate; nil where the candidate does not serve it.
    private var routes: [SequenceID: SequenceRoute?] = [:]
    /// Of this step.
    private var counted: [SequenceID: SequenceRoute] = [:]
    private var step = 0
    private(set) var isCounting = false

    init(rowsMax: Int, team: ComputeTeam) { decider = RouteDecider(rowsMax: rowsMax, team: team) }

    /// - Parameter live: the routes of the sequences that run.
    func prepare(_ origins: [RowOrigin], _ live: [SequenceID: SequenceRoute], candidate: ExpertSet) {
        step += 1
        isCounting = step % Self.stepInterval == 0
        guard isCounting else { return }
        routes = routes.filter { entry in
            live[entry.key] != nil && (entry.value == nil || entry.value?.set === candidate)
        }
        var counted: [SequenceID: SequenceRoute] = [:]
        for origin in origins where counted[origin.sequence] == nil {
            guard let route = live[origin.sequence], route.set !== candidate, route.kind != nil else { continue }
            if routes[origin.sequence] == nil {
                routes[origin.sequence] = .some(
                    try? SequenceRoute(origin.sequence, RouteRequest(route.options), candidate))
            }
            if let found = routes[origin.sequence], let found { counted[origin.sequence] = found }
        }
        self.counted = counted
        rows.prepare(origins, counted)
        isCounting = rows.isRouted
    }

    /// The same step goes on with some of its rows.
    func narrow(_ origins: [RowOrigin]) {
        guard isCounting else { return }
        rows.prepare(origins, counted)
        isCounting = rows.isRouted
    }

    func count(_ group: SiteGroup, _ input: Columns, _ context: ComputeContext) {
        for version in rows.versions.indices where rows.versions[version].serves(group) {
            for product in decider.gateProducts(version, rows, group) {
                context.multiply(input, rows: rows.count, by: product)
            }
            let routing = self.routing ?? GroupRouting(set: rows.versions[version], group: group)
            self.routing = routing
            routing.removeAll(set: rows.versions[version], group: group)
            decider.decide(version, rows, into: routing, replay: nil, failures: &failures)
        }
        // What cannot be scored fails where it counts.
        failures.removeAll()
    }

    func take(_ candidate: ExpertSet) -> RoutingStatistics { decider.takeStatistics(of: candidate) }
}
