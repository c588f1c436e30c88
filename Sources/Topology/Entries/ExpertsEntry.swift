/// What to do where a chosen expert has no live copy.
package enum OnMissing: String, Equatable, Sendable, CaseIterable {
    /// The query fails.
    case fail
    /// The other chosen experts take its weight over.
    case renormalise
    /// That share of the token is the trunk's alone.
    case trunkOnly
}

/// What becomes of the experts of a worker that is lost.
private enum OnLoss: String, CaseIterable {
    /// Another worker with room reads them from the store, until the lost one is back.
    case reload
    /// Nothing: their replicas have them, or nobody.
    case wait
}

/// Where an expert of a routed model is computed.
package enum ExpertPlacement: String, Equatable, Sendable, CaseIterable {
    /// By the workers that hold it.
    case remote
    /// Beside the trunk.
    case pinned
    /// By the workers that hold it; where it is hot, beside the trunk as well.
    case cacheable
}

/// `models: experts:` — the low-rank experts beside a model, which is their trunk: each token finds its own.
package struct ExpertsEntry: Equatable, Sendable {
    package struct Expert: Equatable, Sendable {
        package let name: String
        package let placement: ExpertPlacement
        package let line: Int
    }

    /// The folder that has one folder per expert. Absolute.
    package let store: String
    /// Sorted by name: the expert ids of the set.
    package let experts: [Expert]
    package let route: RouteEntry
    package let onMissing: OnMissing
    /// Whether experts of a worker that is lost are read from the store by another.
    package let reloads: Bool
    /// What the hot ones among the cacheable experts may take beside the trunk, packed.
    package let cacheMegabytes: Int
    package let line: Int
}

extension ExpertsEntry {
    static let keys = ["store", "names", "pinned", "cacheable", "cache_megabytes", "route", "on_missing", "on_loss"]
    static let countMax = 4096
    static let cacheMegabytesMax = 1 << 20

    /// Nil, with an issue, when the store is missing.
    init?(reading section: Section, paths: ClusterPaths) {
        let store = section.requiredText("store", missing: "give the folder that holds one folder per expert")
        experts = Self.experts(section)
        route = RouteEntry(reading: section.part("route", keys: RouteEntry.keys), count: experts.count)
        onMissing = section.choice("on_missing", default: .fail)
        reloads = section.choice("on_loss", default: OnLoss.reload) == .reload
        cacheMegabytes = section.integer(
            "cache_megabytes", in: 1...Self.cacheMegabytesMax, default: 256, unit: "MiB")
        line = section.line
        guard let store else { return nil }
        self.store = paths.resolved(store)
    }

    private static func experts(_ section: Section) -> [Expert] {
        guard section.has("names"), !section.isEmptyList("names") else {
            section.add("names", "is missing or empty; list the experts, each a folder in the store")
            return []
        }
        let names = section.names("names", countMax: countMax)
        rejectDuplicates(names, key: "names", section)
        let pinned = placed("pinned", among: names.map(\.name), section)
        let cacheable = placed("cacheable", among: names.map(\.name), section)
        for name in pinned.intersection(cacheable).sorted() {
            section.add(
                "pinned", "`\(name)` is also listed under cacheable; a pinned expert is always beside the trunk")
        }
        return names.map { name, line in
            let placement: ExpertPlacement =
                pinned.contains(name) ? .pinned : cacheable.contains(name) ? .cacheable : .remote
            return Expert(name: name, placement: placement, line: line)
        }
        .sorted { $0.name < $1.name }
    }

    private static func placed(_ key: String, among known: [String], _ section: Section) -> Set<String> {
        let listed = section.names(key, countMax: countMax)
        rejectDuplicates(listed, key: key, section)
        for (index, (name, line)) in listed.enumerated() where !known.contains(name) {
            section.issues.add(
                line: line, key: "\(section.path(key))[\(index)]",
                "unknown expert `\(name)`\(suggestion(for: name, among: known)); list it under names:")
        }
        return Set(listed.map(\.name))
    }

    static func rejectDuplicates(_ names: [(name: String, line: Int)], key: String, _ section: Section) {
        var seen: Set<String> = []
        for (index, (name, line)) in names.enumerated() {
            let path = "\(section.path(key))[\(index)]"
            if !isName(name) {
                section.issues.add(
                    line: line, key: path, "`\(name)` is not a name; use up to 63 letters, digits, `.`, `_`, `-`")
            } else if !seen.insert(name).inserted {
                section.issues.add(line: line, key: path, "`\(name)` is listed twice; remove one")
            }
        }
    }
}

/// `models: experts: route:` — how a token finds its experts unless a query says otherwise, and how far a query may go.
package struct RouteEntry: Equatable, Sendable {
    /// As `skein query --route` takes it: `phatgoose`, `arrow`, `single:NAME` …
    package let method: String
    package let topK: Int
    package let topKMax: Int
    package let temperature: Float
    /// `off`, `on` or `joins`.
    package let null: String
    /// The methods that queries may ask for; nil: all.
    package let methods: [String]?
}

extension RouteEntry {
    static let keys = ["method", "top_k", "top_k_max", "temperature", "null", "methods"]

    private enum Method: String, CaseIterable {
        case phatgoose, arrow, arrowUnit = "arrow:unit", average, merged, retrieval, single, off
    }

    private enum Null: String, CaseIterable {
        case off, on, joins
    }

    init(reading section: Section, count: Int) {
        let method = section.text("method") ?? Method.phatgoose.rawValue
        Self.check(method, "method", line: section.line(of: "method"), section)
        self.method = method
        topKMax = section.integer("top_k_max", in: 1...512, default: 512, unit: "experts")
        topK = section.integer("top_k", in: 1...512, default: 2, unit: "experts")
        if topK > topKMax { section.add("top_k", "\(topK) is more than top_k_max, \(topKMax); lower it") }
        temperature = section.number("temperature", in: 0.01...100, default: 1)
        null = section.choice("null", default: Null.off).rawValue
        guard section.has("methods") else {
            methods = nil
            return
        }
        let listed = section.names("methods", countMax: 16)
        for (name, line) in listed { Self.check(name, "methods", line: line, section) }
        methods = listed.map(\.name)
        if !listed.contains(where: { $0.name == Self.family(method) }) {
            section.add("methods", "leaves out the default method, \(method); list it, or choose another default")
        }
    }

    /// `single` of `single:french`.
    private static func family(_ method: String) -> String { method.hasPrefix("single:") ? "single" : method }

    private static func check(_ method: String, _ key: String, line: Int, _ section: Section) {
        guard Method(rawValue: family(method)) == nil || (key == "method" && method == "single") else { return }
        let words = Method.allCases.map { $0 == .single && key == "method" ? "single:NAME" : $0.rawValue }
        section.issues.add(
            line: line, key: section.path(key),
            "`\(method)` is no method\(suggestion(for: method, among: words)) (one of \(words.joined(separator: ", ")))"
        )
    }
}
