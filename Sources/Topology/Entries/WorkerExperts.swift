/// `workers: experts:` — the experts that a worker hosts, and of which trunk.
package struct WorkerExperts: Equatable, Sendable {
    /// The routed model that they belong to.
    package let model: String
    /// Names in its store.
    package let names: [String]
    /// The folder that has one folder per expert: the model's, unless this worker keeps its own. Absolute.
    package let store: String
    /// What all that it holds may take in memory, packed.
    package let megabytes: Int
    package let line: Int
}

extension WorkerExperts {
    static let keys = ["model", "names", "store", "megabytes"]

    /// Nil, with an issue, when it does not say whose experts.
    init?(reading section: Section, models: [ModelEntry], paths: ClusterPaths) {
        let routed = models.filter { $0.experts != nil }
        line = section.line
        if section.has("file") {
            section.add("file", "is for experts of a model with mixture:; low-rank experts have a store")
        }
        megabytes = section.integer("megabytes", in: 1...ExpertsEntry.cacheMegabytesMax, default: 4096, unit: "MiB")
        names = Self.names(section)
        let only = routed.count == 1 ? routed.first?.name : nil
        guard let name = section.text("model") ?? only else {
            section.add("model", "is missing; name the model that the experts belong to")
            return nil
        }
        guard let experts = routed.first(where: { $0.name == name })?.experts else {
            section.add(
                "model",
                "`\(name)` is no model with experts\(suggestion(for: name, among: routed.map(\.name))); give it experts: "
                    + "{store: FOLDER, names: […]} under models:")
            return nil
        }
        model = name
        store = section.text("store").map(paths.resolved) ?? experts.store
        Self.reject(unknownTo: experts, section)
    }

    private static func names(_ section: Section) -> [String] {
        guard section.has("names"), !section.isEmptyList("names") else {
            section.add("names", "is missing or empty; list the experts that this worker holds")
            return []
        }
        let names = section.names("names", countMax: ExpertsEntry.countMax)
        ExpertsEntry.rejectDuplicates(names, key: "names", section)
        return names.map(\.name)
    }

    private static func reject(unknownTo experts: ExpertsEntry, _ section: Section) {
        let known = experts.experts.map(\.name)
        for (index, (name, line)) in section.names("names", countMax: ExpertsEntry.countMax).enumerated()
        where !known.contains(name) {
            section.issues.add(
                line: line, key: "\(section.path("names"))[\(index)]",
                "unknown expert `\(name)`\(suggestion(for: name, among: known)); list it under the model's experts:")
        }
    }
}
