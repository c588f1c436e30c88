import Gating
import Inference
import Messaging
import Topology

/// How a model's tokens find experts unless a query says otherwise, and how far a query may go.
struct RoutePolicy: Sendable {
    let defaults: Gating.RouteOptions
    let bounds: RouteBounds

    init(_ entry: ExpertsEntry) throws(WorkerFault) {
        let route = entry.route
        do throws(RouteOptionsError) {
            defaults = Gating.RouteOptions(
                method: try RouteMethod(parsing: route.method), topK: route.topK, temperature: route.temperature,
                null: try NullRule(parsing: route.null), onMissing: Gating.OnMissing(entry.onMissing))
            bounds = RouteBounds(methods: route.methods.map(Set.init), topKMax: route.topKMax)
            try defaults.validate(within: bounds)
        } catch {
            throw WorkerFault("the topology's \(error)")
        }
    }

    /// - Throws: what the query asks for and may not have.
    func request(_ wire: Messaging.RouteOptions?) throws(RouteOptionsError) -> RouteRequest {
        guard let wire else { return RouteRequest(defaults) }
        var options = defaults
        if !wire.method.isEmpty {
            options.method = try RouteMethod(parsing: wire.method)
            // A default k belongs to the default method.
            if options.method != defaults.method { options.topK = min(options.method.defaultTopK, bounds.topKMax) }
        }
        if wire.topK > 0 { options.topK = Int(wire.topK) }
        if wire.temperature != 0 { options.temperature = wire.temperature }
        if !wire.null.isEmpty { options.null = try NullRule(parsing: wire.null) }
        if !wire.common.isEmpty { options.common = try CommonShare(parsing: wire.common) }
        if !wire.allowed.isEmpty { options.allowed = Set(wire.allowed) }
        options.biases = Self.values(wire.biases)
        options.weights = Self.values(wire.weights)
        try options.validate(within: bounds)
        return RouteRequest(options)
    }

    private static func values(_ list: [NamedValue]) -> [String: Float] {
        Dictionary(list.map { ($0.name, $0.value) }, uniquingKeysWith: { _, last in last })
    }
}

extension Gating.OnMissing {
    init(_ entry: Topology.OnMissing) {
        self =
            switch entry {
            case .fail: .fail
            case .renormalise: .renormalise
            case .trunkOnly: .trunkOnly
            }
    }
}
