import Gating

/// The routes of the rows of a step.
struct StepRows {
    private(set) var origins: [RowOrigin] = []
    /// The routes that rows have, each once.
    private(set) var routes: [SequenceRoute] = []
    /// By row: index into `routes`; -1 where nothing is routed.
    private(set) var routeOfRow: [Int] = []
    /// By route: index into `versions`.
    private(set) var versionOfRoute: [Int] = []
    /// The sets in use, and which gates each needs.
    private(set) var versions: [ExpertSet] = []
    private(set) var kinds: [[GateKind]] = []

    var count: Int { routeOfRow.count }
    var isRouted: Bool { !versions.isEmpty }

    mutating func prepare(_ origins: [RowOrigin], _ all: [SequenceID: SequenceRoute]) {
        self.origins = origins
        routes.removeAll(keepingCapacity: true)
        routeOfRow.removeAll(keepingCapacity: true)
        versionOfRoute.removeAll(keepingCapacity: true)
        versions.removeAll(keepingCapacity: true)
        kinds.removeAll(keepingCapacity: true)
        var last: (sequence: SequenceID, route: Int)?
        for origin in origins {
            if last?.sequence != origin.sequence { last = (origin.sequence, add(all[origin.sequence])) }
            routeOfRow.append(last?.route ?? -1)
        }
    }

    /// The index of a route, -1 for none. A sequence's rows are consecutive, so that each comes once.
    private mutating func add(_ route: SequenceRoute?) -> Int {
        guard let route, !(route.plan.fixed?.isTrunkOnly ?? false) else { return -1 }
        let version = versions.firstIndex { $0 === route.set } ?? versions.count
        if version == versions.count {
            versions.append(route.set)
            kinds.append([])
        }
        if let kind = route.kind, !kinds[version].contains(kind) { kinds[version].append(kind) }
        routes.append(route)
        versionOfRoute.append(version)
        return routes.count - 1
    }
}
