/// A request's route options resolved against a set of experts: names became ids, methods without scores became one choice.
///
/// Pure and made once per request; what it does per token and site is in the extensions `Scores`, `Choosing` and `Distribution`.
package struct RoutePlan: Sendable, Equatable {
    package let method: RouteMethod
    /// N.
    package let expertCount: Int
    /// k, clamped to N.
    package let topK: Int
    package let temperature: Float
    package let null: NullRule
    package let common: CommonShare
    package let onMissing: OnMissing
    /// Experts that the mask lets through.
    package let allowedCount: Int
    /// Added to the scores, [N]: the bias, or -∞ where the mask forbids. Empty if nothing is added.
    let adjustments: [Float]
    /// What every token gets at every site, for methods without scores and for explicit weights; nil where scores decide, and for
    /// `retrieval` until the query's expert is known (`retrieving`).
    package private(set) var fixed: Choice?

    /// `experts` are the names of the set in the order of their ids. Throws for options out of bounds, and for names not in the set.
    package init(_ options: RouteOptions, experts: [String]) throws(RouteOptionsError) {
        try options.validate()
        let ids = Dictionary(experts.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        let allowed = try Self.mask(options.allowed, ids)
        method = options.method
        expertCount = experts.count
        topK = max(1, min(options.topK, experts.count))
        temperature = options.temperature
        null = options.null
        common = options.common
        onMissing = options.onMissing
        allowedCount = allowed.count { $0 }
        adjustments = try Self.adjustments(options, allowed, ids)
        fixed = try Self.fixedChoice(options, allowed, ids)
    }

    /// Whether `score` and `choose` decide; and with which vectors' dot products.
    package var gateKind: GateKind? { fixed == nil ? method.gateKind : nil }

    /// Most experts in a choice of this plan.
    package var choiceMax: Int { fixed?.experts.count ?? topK }

    /// For `retrieval`: the plan once the query's expert is known, weight 1 at every token.
    package func retrieving(_ expert: Int) -> RoutePlan {
        precondition((0..<expertCount).contains(expert), "expert \(expert) of \(expertCount)")
        var plan = self
        plan.fixed = Choice(experts: [Int32(expert)], weights: [1])
        return plan
    }

    /// Whether the mask lets an expert through.
    package func allows(_ expert: Int) -> Bool { adjustments.isEmpty || adjustments[expert] > -.infinity }
}

extension RoutePlan {
    private static func mask(_ names: Set<String>?, _ ids: [String: Int]) throws(RouteOptionsError) -> [Bool] {
        guard let names else { return [Bool](repeating: true, count: ids.count) }
        var mask = [Bool](repeating: false, count: ids.count)
        for name in names.sorted() { mask[try id(of: name, ids, "allowed")] = true }
        return mask
    }

    private static func adjustments(
        _ options: RouteOptions, _ allowed: [Bool], _ ids: [String: Int]
    ) throws(RouteOptionsError) -> [Float] {
        guard allowed.contains(false) || !options.biases.isEmpty else { return [] }
        var sums = allowed.map { $0 ? 0 : -Float.infinity }
        for (name, bias) in options.biases.sorted(by: { $0.key < $1.key }) {
            sums[try id(of: name, ids, "biases")] += bias
        }
        return sums
    }

    private static func fixedChoice(
        _ options: RouteOptions, _ allowed: [Bool], _ ids: [String: Int]
    ) throws(RouteOptionsError) -> Choice? {
        guard options.weights.isEmpty else { return try explicitChoice(options, allowed, ids) }
        let experts = allowed.indices.filter { allowed[$0] }.map { Int32($0) }
        switch options.method {
        case .off:
            return Choice()
        case .merged where !experts.isEmpty:
            return Choice(experts: experts, weights: experts.map { _ in 1 / Float(experts.count) })
        case .single(let name):
            let expert = try id(of: name, ids, "method")
            try check(name, allowed[expert], "method")
            return Choice(experts: [Int32(expert)], weights: [1])
        case .merged, .phatgoose, .arrow, .arrowUnit, .average, .retrieval:
            return experts.isEmpty ? Choice() : nil
        }
    }

    private static func explicitChoice(
        _ options: RouteOptions, _ allowed: [Bool], _ ids: [String: Int]
    ) throws(RouteOptionsError) -> Choice {
        var pairs: [(expert: Int32, weight: Float)] = []
        for (name, weight) in options.weights.sorted(by: { $0.key < $1.key }) {
            let expert = try id(of: name, ids, "weights")
            try check(name, allowed[expert], "weights")
            if weight != 0 { pairs.append((Int32(expert), weight)) }
        }
        pairs.sort { $0.expert < $1.expert }
        return Choice(experts: pairs.map(\.expert), weights: pairs.map(\.weight), nullWeight: pairs.isEmpty ? 1 : 0)
    }

    private static func id(of name: String, _ ids: [String: Int], _ field: String) throws(RouteOptionsError) -> Int {
        if let id = ids[name] { return id }
        let known = ids.keys.sorted().prefix(12).joined(separator: ", ")
        throw RouteOptionsError(field: field, problem: "names '\(name)', which the set lacks; it holds \(known)")
    }

    private static func check(_ name: String, _ isAllowed: Bool, _ field: String) throws(RouteOptionsError) {
        if !isAllowed { throw RouteOptionsError(field: field, problem: "names '\(name)', which `allowed` leaves out") }
    }
}
