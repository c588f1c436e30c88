extension RouteOptions {
    /// Refuses the first option out of bounds, by name.
    package func validate(within bounds: RouteBounds = .widest) throws(RouteOptionsError) {
        if let methods = bounds.methods, !methods.contains(methodName) {
            throw RouteOptionsError(
                field: "method", problem: "is \(method); allowed here: \(methods.sorted().joined(separator: ", "))")
        }
        guard (1...bounds.topKMax).contains(topK) else {
            throw RouteOptionsError(field: "topK", problem: "is \(topK); use 1 to \(bounds.topKMax)")
        }
        try Self.check(temperature, in: bounds.temperature, "temperature")
        try Self.check(common.amount, in: 0...bounds.commonShareMax, "common")
        if common == .inPlaceOfNull && null == .off {
            throw RouteOptionsError(field: "common", problem: "is null, but the null expert is off; turn it on")
        }
        if let allowed, allowed.isEmpty {
            throw RouteOptionsError(field: "allowed", problem: "names no expert; leave it out, or use method off")
        }
        try Self.checkCount(allowed?.count ?? 0, bounds, "allowed")
        try Self.check(biases, magnitudeMax: bounds.biasMax, bounds, "biases")
        try Self.check(weights, magnitudeMax: bounds.weightMax, bounds, "weights")
    }

    /// As `RouteBounds.methods` spells it.
    private var methodName: String {
        if case .single = method { "single" } else { method.description }
    }

    private static func check(
        _ values: [String: Float], magnitudeMax: Float, _ bounds: RouteBounds, _ field: String
    ) throws(RouteOptionsError) {
        try checkCount(values.count, bounds, field)
        for (name, value) in values.sorted(by: { $0.key < $1.key }) {
            try check(value, in: -magnitudeMax...magnitudeMax, "\(field).\(name)")
        }
    }

    /// NaN is in no range.
    private static func check(
        _ value: Float, in range: ClosedRange<Float>, _ field: String
    ) throws(RouteOptionsError) {
        guard range.contains(value) else {
            throw RouteOptionsError(
                field: field, problem: "is \(value); use \(range.lowerBound) to \(range.upperBound)")
        }
    }

    private static func checkCount(_ count: Int, _ bounds: RouteBounds, _ field: String) throws(RouteOptionsError) {
        guard count <= bounds.namedExpertsMax else {
            throw RouteOptionsError(
                field: field, problem: "names \(count) experts; name at most \(bounds.namedExpertsMax)")
        }
    }
}
