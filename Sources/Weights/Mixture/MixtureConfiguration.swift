/// The feed-forward layers that are mixtures of experts: where they are, how many experts, how their router weighs them.
package struct MixtureConfiguration: Sendable, Equatable {
    /// Experts of a layer.
    package let expertCount: Int
    /// Experts of a token.
    package let topK: Int
    /// The intermediate width of one expert.
    package let expertWidth: Int
    /// The intermediate width of the expert that every token passes, weighed by a sigmoid of its own; nil without one.
    package let sharedWidth: Int?
    /// The weights of the chosen experts are divided by their sum.
    package let renormalises: Bool
    /// Ascending.
    package let layers: [Int]
    /// A dense feed-forward with a norm of its own follows every mixture (OpenMoE).
    package let hasExtra: Bool
    /// F of each expert of a layer where they differ, 0 for one that computes nothing (a skip expert, after Duo-LLM, arXiv 2410.10846);
    /// nil where all are `expertWidth`.
    package var expertWidths: [Int]? = nil

    package func width(ofExpert expert: Int) -> Int { expertWidths?[expert] ?? expertWidth }

    package func contains(layer: Int) -> Bool { layers.contains(layer) }
}

/// Which RMSNorm queries and keys pass before they are rotated.
package enum QueryKeyNorm: Sendable, Equatable {
    case none
    /// Each head alone, one weight [d] for all heads (Qwen3).
    case eachHead
    /// All heads together, a weight [heads · d] (OLMoE).
    case wholeWidth
}

extension MixtureConfiguration {
    static let expertsMax = 1 << 12

    /// From `config.json`; nil for architectures without experts. Keys and defaults are those of transformers' configuration classes.
    init?(_ source: HuggingFaceConfiguration, layerCount: Int, intermediateSize: Int) throws(WeightsError) {
        guard source.architecture.hasExperts else { return nil }
        let countKey = source.value("num_local_experts") == nil ? "num_experts" : "num_local_experts"
        expertCount = try source.size(countKey, max: Self.expertsMax)
        let isOpen = source.architecture == .openmoe
        topK = try source.size(isOpen ? "router_topk" : "num_experts_per_tok", max: expertCount)
        hasExtra = isOpen
        let qwen = source.architecture == .qwen2moe || source.architecture == .qwen3moe
        expertWidth = qwen ? try source.size("moe_intermediate_size", max: Limits.widthMax) : intermediateSize
        sharedWidth =
            source.architecture == .qwen2moe
            ? try source.size("shared_expert_intermediate_size", max: Limits.widthMax) : nil
        renormalises = source.architecture == .mixtral ? true : try source.flag("norm_topk_prob") ?? false
        if isOpen {
            let interval = try source.size("moe_layer_interval", max: Limits.layersMax)
            layers = (0..<layerCount).filter { ($0 + 1) % interval == 0 }
        } else {
            layers = qwen ? try Self.layers(source, layerCount) : Array(0..<layerCount)
        }
        let widths = try source.integers("expert_widths")
        expertWidths = try widths.isEmpty ? nil : checked(widths, source.checks, "expert_widths")
    }

    /// One width for each expert, none above `expertWidth`, and enough experts that compute: the configuration's word for layers whose
    /// experts differ.
    func checked(_ widths: [Int], _ checks: ConfigurationChecks, _ field: String) throws(WeightsError)
        -> [Int]
    {
        func refuse(_ detail: String) -> WeightsError {
            WeightsError(.inconsistent, file: checks.file, field: field, detail)
        }
        guard widths.count == expertCount else {
            throw refuse("has \(widths.count) entries for \(expertCount) experts")
        }
        if let bad = widths.first(where: { !(0...expertWidth).contains($0) }) {
            throw refuse("holds \(bad); use 0, for an expert that computes nothing, to \(expertWidth)")
        }
        guard widths.contains(where: { $0 > 0 }) else { throw refuse("leaves no expert that computes") }
        return widths
    }

    /// Layer i has experts iff (i + 1) % `decoder_sparse_step` = 0 and `mlp_only_layers` does not name it.
    private static func layers(
        _ source: HuggingFaceConfiguration, _ layerCount: Int
    ) throws(WeightsError) -> [Int] {
        let step = try source.checks.size(
            try source.integer("decoder_sparse_step") ?? 1, "decoder_sparse_step", max: Limits.layersMax)
        let dense = try source.integers("mlp_only_layers")
        if let bad = dense.first(where: { $0 < 0 || $0 >= layerCount }) {
            throw WeightsError(
                .inconsistent, file: source.checks.file, field: "mlp_only_layers", "\(bad) is no layer of \(layerCount)"
            )
        }
        return (0..<layerCount).filter { ($0 + 1) % step == 0 && !dense.contains($0) }
    }
}
