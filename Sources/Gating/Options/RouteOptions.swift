/// What to do where a chosen expert has no live copy.
package enum OnMissing: String, Sendable, Hashable, CaseIterable {
    /// The request fails.
    case fail
    /// The others' weights are scaled so that they sum to what they did together with it.
    case renormalise
    /// Its weight goes to the null: that share of the token is the trunk's alone.
    case trunkOnly

    package init(parsing text: String) throws(RouteOptionsError) {
        guard let policy = OnMissing(rawValue: text) else {
            throw RouteOptionsError(field: "onMissing", problem: "is '\(text)'; write fail, renormalise or trunkOnly")
        }
        self = policy
    }
}

/// How one request is routed. The defaults are the paper's.
///
/// Methods without scores (`merged`, `retrieval`, `single`, `off`) and explicit weights ignore `topK`, `temperature`, `null`, `common`
/// and `biases`.
package struct RouteOptions: Sendable, Hashable {
    package var method: RouteMethod
    /// Experts kept per token and site, the null included; clamped to the number of experts.
    package var topK: Int
    /// T of softmax(score / T).
    package var temperature: Float
    package var null: NullRule
    package var common: CommonShare
    /// Names of the experts that may be chosen; nil allows all.
    package var allowed: Set<String>?
    /// Added to an expert's score before the top-k, by name.
    package var biases: [String: Float]
    /// Where not empty: these weights at every token instead of any method, by name. They need not sum to 1.
    package var weights: [String: Float]
    package var onMissing: OnMissing

    /// Whether some token may get an expert of the set by these.
    package func mayChoose(_ expert: String) -> Bool {
        guard weights.isEmpty else { return weights[expert, default: 0] != 0 }
        if let allowed, !allowed.contains(expert) { return false }
        return switch method {
        case .off: false
        case .single(let name): name == expert
        case .phatgoose, .arrow, .arrowUnit, .average, .merged, .retrieval: true
        }
    }

    /// A nil `topK` is the method's own: 2, or 3 for Arrow.
    package init(
        method: RouteMethod = .phatgoose, topK: Int? = nil, temperature: Float = 1, null: NullRule = .off,
        common: CommonShare = .off, allowed: Set<String>? = nil, biases: [String: Float] = [:],
        weights: [String: Float] = [:], onMissing: OnMissing = .fail
    ) {
        self.method = method
        self.topK = topK ?? method.defaultTopK
        self.temperature = temperature
        self.null = null
        self.common = common
        self.allowed = allowed
        self.biases = biases
        self.weights = weights
        self.onMissing = onMissing
    }

    package static let off = RouteOptions(method: .off)
}

extension RouteOptions: CustomStringConvertible {
    /// Everything that shapes the result, in one spelling: equal texts route alike. For receipts and cache keys.
    package var description: String {
        var parts = ["method=\(method)", "topK=\(topK)", "temperature=\(temperature)", "null=\(null.rawValue)"]
        parts.append("common=\(common)")
        if let allowed { parts.append("allowed=[\(allowed.sorted().joined(separator: ","))]") }
        for (label, values) in [("biases", biases), ("weights", weights)] where !values.isEmpty {
            let list = values.sorted { $0.key < $1.key }.map { "\($0.key):\($0.value)" }
            parts.append("\(label)=[\(list.joined(separator: ","))]")
        }
        parts.append("onMissing=\(onMissing.rawValue)")
        return parts.joined(separator: " ")
    }
}
