import Gating

/// How one sequence is routed, and what it wants to know of it.
package struct RouteRequest: Sendable, Equatable {
    package var options: RouteOptions
    /// For the method `retrieval`: the expert that the query's text is likest to.
    package var retrieved: String?
    /// Whether the bank keeps every choice for `takeTrace`.
    package var traces: Bool
    /// With the bank's candidate instead of its set: the answer goes to nobody.
    package var rehearses = false

    package init(_ options: RouteOptions, retrieved: String? = nil, traces: Bool = false) {
        self.options = options
        self.retrieved = retrieved
        self.traces = traces
    }
}

/// What one token got at one site.
package struct TracedChoice: Sendable, Equatable {
    /// Absolute.
    package let position: Int32
    /// Index of the site group, and of the linear in it.
    package let group: Int32
    package let linear: Int32
    /// Kept, ascending; weights are those that rows were multiplied with.
    package let experts: [Int32]
    package let weights: [Float]
    package let nullWeight: Float
    package let commonWeight: Float

    package init(
        position: Int32, group: Int32, linear: Int32, experts: [Int32], weights: [Float], nullWeight: Float,
        commonWeight: Float
    ) {
        self.position = position
        self.group = group
        self.linear = linear
        self.experts = experts
        self.weights = weights
        self.nullWeight = nullWeight
        self.commonWeight = commonWeight
    }
}

/// A route resolved against the set that its sequence began with.
final class SequenceRoute {
    let id: SequenceID
    let set: ExpertSet
    let options: RouteOptions
    let plan: RoutePlan
    let kind: GateKind?
    let traces: Bool
    /// Index into `SiteExperts.nullScores`.
    let nullIndex: Int
    var trace: [TracedChoice] = []

    init(_ id: SequenceID, _ request: RouteRequest, _ set: ExpertSet) throws(RouteRefusal) {
        var plan: RoutePlan
        do throws(RouteOptionsError) {
            plan = try RoutePlan(request.options, experts: set.names)
        } catch { throw RouteRefusal(error.description) }
        if request.options.method == .retrieval, plan.fixed == nil {
            guard let name = request.retrieved, let expert = set.names.firstIndex(of: name) else {
                throw RouteRefusal(
                    "the route retrieval needs the expert that the query's text is likest to; none was given")
            }
            plan = plan.retrieving(expert)
        }
        if let kind = plan.gateKind {
            try Self.require(kind, plan, set, request.options)
            guard plan.null == .off || set.calibratedMethods.contains(plan.method.description) else {
                throw RouteRefusal(
                    "the null expert has no scores for \(plan.method) with these experts; calibrate them, or turn null off"
                )
            }
        }
        options = request.options
        nullIndex = plan.method.scoreIndex
        (self.id, self.set, self.plan, kind, traces) = (id, set, plan, plan.gateKind, request.traces)
    }

    private static func require(
        _ kind: GateKind, _ plan: RoutePlan, _ set: ExpertSet, _ options: RouteOptions
    ) throws(RouteRefusal) {
        let without = set.experts.indices.filter { plan.allows($0) && !set.experts[$0].gateKinds.contains(kind) }
        guard let first = without.first else { return }
        let what =
            switch kind {
            case .gate: "gates"
            case .prototype: "Arrow prototypes"
            case .meanActivation: "mean activations"
            }
        throw RouteRefusal(
            "expert \(set.experts[first].name) has no \(what), which the route \(options.method) needs; "
                + "import it again, choose another route, or leave it out")
    }
}
