/// Where `config.json` keeps its rotary parameters: transformers 5 in `rope_parameters`, older ones in `rope_scaling`
/// and `rope_theta` (modeling_rope_utils.py).
struct RopeSource {
    private let source: HuggingFaceConfiguration
    private let part: JSONValue
    private let name: String

    init(_ source: HuggingFaceConfiguration) throws(WeightsError) {
        self.source = source
        name = source.value("rope_parameters") != nil ? "rope_parameters" : "rope_scaling"
        part = source.value(name) ?? .object([:])
        guard part.objectValue != nil else {
            throw WeightsError(.malformed, file: source.checks.file, field: name, "is not an object")
        }
    }

    func theta() throws(WeightsError) -> Double {
        if let theta = try source.number("rope_theta", in: part) { return theta }
        return try source.number("rope_theta") ?? 10_000
    }

    func scaling() throws(WeightsError) -> RopeScaling {
        if let rotated = try source.number("partial_rotary_factor", in: part), rotated != 1 {
            throw source.checks.refuse("\(name).partial_rotary_factor", "\(rotated)")
        }
        // "type" is the spelling before transformers 4.43.
        let newer = try source.text("rope_type", in: part)
        let older = try source.text("type", in: part)
        let kind = newer ?? older ?? "default"
        switch kind {
        case "default": return .none
        case "linear": return .linear(factor: try required("factor"))
        case "llama3": return try llama3()
        case "yarn": return try yarn()
        default: throw source.checks.refuse("\(name).rope_type", "\(kind) scaling")
        }
    }

    private func llama3() throws(WeightsError) -> RopeScaling {
        let low = try required("low_freq_factor")
        let high = try required("high_freq_factor")
        guard high > low else {
            throw WeightsError(
                .inconsistent, file: source.checks.file, field: "\(name).high_freq_factor",
                "\(high) is not above low_freq_factor \(low)")
        }
        return .llama3(
            factor: try required("factor"), lowFrequencyFactor: low, highFrequencyFactor: high,
            originalContext: try originalContext(nil))
    }

    private func yarn() throws(WeightsError) -> RopeScaling {
        for unread in ["mscale", "mscale_all_dim"] where source.value(unread, in: part) != nil {
            throw source.checks.refuse("\(name).\(unread)", "this YaRN parameter")
        }
        guard try source.flag("truncate", in: part) ?? true else {
            throw source.checks.refuse("\(name).truncate", "false")
        }
        return .yarn(
            factor: try required("factor"),
            originalContext: try originalContext(try source.integer("max_position_embeddings")),
            attentionFactor: try optional("attention_factor"), betaFast: try optional("beta_fast") ?? 32,
            betaSlow: try optional("beta_slow") ?? 1)
    }

    private func originalContext(_ fallback: Int?) throws(WeightsError) -> Int {
        let field = "original_max_position_embeddings"
        return try source.checks.size(
            try source.integer(field, in: part) ?? fallback, "\(name).\(field)", max: Limits.contextMax)
    }

    private func optional(_ field: String) throws(WeightsError) -> Double? {
        guard let value = try source.number(field, in: part) else { return nil }
        return try source.checks.positive(value, "\(name).\(field)")
    }

    private func required(_ field: String) throws(WeightsError) -> Double {
        guard let value = try optional(field) else {
            throw WeightsError(.missing, file: source.checks.file, field: "\(name).\(field)", "is required")
        }
        return value
    }
}
