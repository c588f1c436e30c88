/// `capacity:` of a model with mixture layers: how many rows of one prompt an expert takes. Without it none is dropped.
package struct CapacityEntry: Equatable, Sendable {
    /// The two public implementations of OpenMoE disagree.
    package enum Rule: String, Equatable, Sendable, CaseIterable {
        case colossal
        case flaxformer
    }

    package let rule: Rule
    /// Above 0.
    package let factor: Double

    static let factorMax = 1e6

    /// `colossal:1.25`, `flaxformer:2`; nil for `dropless`, and with an issue for anything else.
    init?(reading section: Section, _ key: String) {
        guard let text = section.text(key), text != "dropless" else { return nil }
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, let rule = Rule(rawValue: parts[0]), let factor = Double(parts[1]) else {
            section.add(key, "is '\(text)'; use dropless, colossal:FACTOR or flaxformer:FACTOR, such as colossal:1.25")
            return nil
        }
        guard factor > 0, factor <= Self.factorMax else {
            section.add(
                key, "has the factor \(parts[1]), which leaves no slot or is no number; use one above 0, at most 1e6")
            return nil
        }
        (self.rule, self.factor) = (rule, factor)
    }
}
