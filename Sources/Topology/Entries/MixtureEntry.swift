/// `models: mixture:` — where the experts of a model's mixture layers are computed, when that is by workers.
package struct MixtureEntry: Equatable, Sendable {
    package enum Placement: Equatable, Sendable {
        /// Shared out by the workers' memory, each expert on so many of them.
        case auto(copies: Int)
        case rules([PlacementRule])
    }

    package let placement: Placement
    package let onMissing: OnMissing
    package let line: Int
}

/// Some experts of some mixture layers, and the workers that each have all of them.
package struct PlacementRule: Equatable, Sendable {
    /// Of the transformer, from 0; nil: all.
    package let layers: ClosedRange<Int>?
    /// Of a layer, from 0; nil: all.
    package let experts: ClosedRange<Int>?
    /// More than one: replicas.
    package let workers: [String]
    package let line: Int

    func contains(layer: Int, expert: Int) -> Bool {
        layers?.contains(layer) != false && experts?.contains(expert) != false
    }

    func overlaps(_ other: PlacementRule) -> Bool {
        Self.overlap(layers, other.layers) && Self.overlap(experts, other.experts)
    }

    private static func overlap(_ one: ClosedRange<Int>?, _ other: ClosedRange<Int>?) -> Bool {
        guard let one, let other else { return true }
        return one.overlaps(other)
    }

    var description: String {
        let layers = layers.map { "layers \($0.lowerBound)-\($0.upperBound)" } ?? "all layers"
        return (experts.map { "experts \($0.lowerBound)-\($0.upperBound) of " } ?? "all experts of ") + layers
    }
}

extension MixtureEntry {
    static let keys = ["placement", "copies", "on_missing"]
    static let rulesMax = 4096

    init(reading section: Section) {
        line = section.line
        onMissing = section.choice("on_missing", default: .fail)
        let copies = section.integer("copies", in: 1...64, default: 1, unit: "workers")
        guard section.has("placement"), !section.says("placement", "auto") else {
            placement = .auto(copies: copies)
            return
        }
        if section.has("copies") {
            section.add("copies", "goes with placement: auto; in a rule, list all the workers that have its experts")
        }
        let rules = section.sections("placement", keys: PlacementRule.keys, countMax: Self.rulesMax)
            .map(PlacementRule.init)
        if rules.isEmpty {
            section.add(
                "placement",
                "is neither auto nor a list of rules; write {layers: 0-11, experts: 0-3, workers: [NAME]}, one a line")
        }
        Self.rejectOverlaps(rules, section)
        placement = .rules(rules)
    }

    private static func rejectOverlaps(_ rules: [PlacementRule], _ section: Section) {
        for (index, rule) in rules.enumerated() {
            guard let other = rules[..<index].first(where: rule.overlaps) else { continue }
            section.issues.add(
                line: rule.line, key: "\(section.path("placement"))[\(index)]",
                "\(rule.description): some of them are placed by line \(other.line) already; for replicas list several workers in "
                    + "one rule")
        }
    }
}

extension PlacementRule {
    static let keys = ["layers", "experts", "workers"]

    init(_ section: Section) {
        line = section.line
        layers = Self.range("layers", section)
        experts = Self.range("experts", section)
        let listed = section.names("workers", countMax: WorkerEntry.countMax)
        ExpertsEntry.rejectDuplicates(listed, key: "workers", section)
        workers = listed.map(\.name)
        if listed.isEmpty { section.add("workers", "is missing or empty; list the workers that have these experts") }
    }

    /// `3` or `0-11`.
    private static func range(_ key: String, _ section: Section) -> ClosedRange<Int>? {
        guard section.has(key), !section.says(key, "all"), let text = section.text(key) else { return nil }
        let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { decimal(String($0)) }
        guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1], first <= last else {
            section.add(key, "`\(text)` is no range; write a number, FIRST-LAST, or all")
            return nil
        }
        return first...last
    }
}
