/// `workers: experts:` of a model with `mixture:` — that a worker computes a share of its experts. Which, the model says.
package struct WorkerShare: Equatable, Sendable {
    package let model: String
    /// The weight file as this worker finds it: the model's, unless it keeps its own. Absolute.
    package let file: String
    /// What its experts may take in memory.
    package let megabytes: Int
    package let line: Int
}

extension WorkerShare {
    static let keys = ["model", "file", "megabytes"]

    /// Nil where the section is about low-rank experts.
    init?(reading section: Section, models: [ModelEntry], paths: ClusterPaths) {
        let spread = models.filter { $0.mixture != nil }
        let only = spread.count == 1 && models.allSatisfy { $0.experts == nil } ? spread.first?.name : nil
        guard let name = section.text("model") ?? only, let model = spread.first(where: { $0.name == name }) else {
            return nil
        }
        for key in WorkerExperts.keys where !Self.keys.contains(key) && section.has(key) {
            section.add(
                key, "is about low-rank experts; which experts of `\(name)` a worker has, its mixture: placement: says")
        }
        self.model = name
        file = section.text("file").map(paths.resolved) ?? model.file
        megabytes = section.integer("megabytes", in: 1...ExpertsEntry.cacheMegabytesMax, default: 4096, unit: "MiB")
        line = section.line
    }
}
