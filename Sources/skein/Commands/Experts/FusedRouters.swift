import Gating
import Inference
import Weights

/// The router rows of every layer, from the gates alone (`FusedRouter`).
struct FusedRouters {
    /// [layers][E][hidden]
    let rows: [[[Float]]]

    /// Measures mean σ of each layer's normed input on text, with the trunk alone.
    init(_ model: LoadedModel, _ adapters: [AdapterFolder], _ texts: [TextSet]) throws {
        let groups = Self.groups(of: model)
        let meter = DeviationMeter(groups: Set(groups.map(\.index)), epsilon: Standardisation.epsilon)
        let documents = texts.flatMap(\.documents)
        let progress = ThrottledProgress("measuring the trunk on \(documents.count) documents")
        for (index, document) in documents.enumerated() {
            _ = try model.weights.score(document.ids, team: model.team, bank: meter)
            progress.show(fraction: Double(index + 1) / Double(documents.count))
        }
        Terminal.endProgress()
        let means = meter.means
        rows = try groups.map { group in
            try adapters.map { adapter in
                let vectors = group.linears.map { adapter.gates?.vector(at: $0.site)?.floats() }
                return try FusedRouter.row(
                    gate: vectors[0], up: vectors[1], width: group.inputs, meanDeviation: means[group.index] ?? 1)
            }
        }
    }

    /// Gate and up of every layer, which share its normed input.
    static func groups(of model: LoadedModel) -> [SiteGroup] {
        model.weights.siteGroups.filter { $0.linears[0].site.hasSuffix("mlp.gate_proj") }
    }
}
