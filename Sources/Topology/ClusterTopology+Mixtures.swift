/// What concerns models whose mixture layers' experts are spread over workers.
extension ClusterTopology {
    /// The workers with a share of a model's experts.
    package func shareholders(of model: String) -> [WorkerEntry] { workers.filter { $0.share?.model == model } }

    func checkMixtures(_ section: Section) {
        let trunks = Set(workers.flatMap(\.models))
        for model in models {
            guard let entry = model.mixture else { continue }
            let holders = shareholders(of: model.name).map(\.name)
            if holders.isEmpty {
                section.issues.add(
                    line: entry.line, key: "models",
                    "no worker has experts of `\(model.name)`; give one experts: {model: \(model.name)}, or remove mixture: to "
                        + "compute them all beside the trunk")
            }
            if !trunks.contains(model.name) {
                section.issues.add(
                    line: model.line, key: "models",
                    "nobody serves the trunk of `\(model.name)`; write router: {trunk: [\(model.name)]}, or add it to a worker's "
                        + "models")
            }
            check(entry, of: model.name, holders, section)
        }
    }

    private func check(_ entry: MixtureEntry, of model: String, _ holders: [String], _ section: Section) {
        switch entry.placement {
        case .auto(let copies):
            if copies > holders.count, !holders.isEmpty {
                section.issues.add(
                    line: entry.line, key: "models",
                    "\(copies) copies of the experts of `\(model)` need as many workers with them, and there are \(holders.count)"
                )
            }
        case .rules(let rules):
            for rule in rules {
                for worker in rule.workers where !holders.contains(worker) {
                    section.issues.add(
                        line: rule.line, key: "placement",
                        "`\(worker)` is no worker with experts of `\(model)`\(suggestion(for: worker, among: holders)); give it "
                            + "experts: {model: \(model)}")
                }
            }
            rejectIdle(rules, of: model, section)
        }
    }

    private func rejectIdle(_ rules: [PlacementRule], of model: String, _ section: Section) {
        let named = Set(rules.flatMap(\.workers))
        for worker in shareholders(of: model) where !named.contains(worker.name) {
            section.issues.add(
                line: worker.line, key: "workers",
                "no rule of `\(model)` places an expert on `\(worker.name)`; add one, or remove its experts:")
        }
    }
}
