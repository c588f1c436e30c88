/// What the null expert does. It has a score τ at each site, which lives with the set of experts and not with the request.
package enum NullRule: String, Sendable, Hashable, CaseIterable {
    /// There is none, as in the paper; the same as τ = -∞.
    case off
    /// It ends the list: experts that score below τ are not kept, and while a place of the k is left the null takes one and its
    /// share of the softmax. Where no expert reaches τ nothing is chosen and nothing sent.
    case on
    /// It takes one of the k places if its score is high enough, and its share of the softmax; with k ≥ 2 some expert is always kept.
    case joins

    package init(parsing text: String) throws(RouteOptionsError) {
        guard let rule = NullRule(rawValue: text) else {
            throw RouteOptionsError(field: "null", problem: "is '\(text)'; write on, off or joins")
        }
        self = rule
    }
}
