extension ModelConfiguration {
    /// From the metadata of a GGUF file (keys: ggml's docs/gguf.md) and from which tensors it holds.
    init(_ file: GGUFFile) throws(WeightsError) {
        let source = try GGUFConfiguration(file)
        let checks = source.checks
        architecture = source.architecture
        layerCount = try source.size("block_count", max: Limits.layersMax)
        hiddenSize = try source.size("embedding_length", max: Limits.widthMax)
        intermediateSize = try source.size("feed_forward_length", max: Limits.widthMax)
        headCount = try source.size("attention.head_count", max: Limits.headsMax)
        keyValueHeadCount = try checks.size(
            try source.integer("attention.head_count_kv") ?? headCount, source.key("attention.head_count_kv"),
            max: Limits.headsMax)
        try checks.heads(headCount, keyValueHeadCount, source.key("attention.head_count_kv"))
        headDimension = try source.headDimension(hidden: hiddenSize, heads: headCount)
        vocabularySize = try source.vocabulary()
        contextLength = try source.contextLength()
        let epsilon = "attention.layer_norm_rms_epsilon"
        guard let value = try source.number(epsilon) else {
            throw WeightsError(.missing, file: file.path, field: source.key(epsilon), "is required")
        }
        rmsNormEpsilon = Float(try checks.positive(value, source.key(epsilon), max: 1))
        ropeTheta = try checks.positive(try source.number("rope.freq_base") ?? 10_000, source.key("rope.freq_base"))
        ropeScaling = try source.ropeScaling(headDimension: headDimension, context: contextLength)
        tiedEmbeddings = !file.contains("output.weight")
        hasQueryKeyValueBias = file.contains("blk.0.attn_q.bias")
        hasOutputBias = file.contains("blk.0.attn_output.bias")
        queryKeyNorm = architecture == .qwen3moe ? .eachHead : architecture == .olmoe ? .wholeWidth : .none
        projectionClip = try source.projectionClip()
        attentionScale = 1 / Float(headDimension).squareRoot()
        activation = .silu
        mixture = try source.mixture(layerCount: layerCount, intermediateSize: intermediateSize)
        beginToken = try file.metadata.integer("tokenizer.ggml.bos_token_id")
        endTokens = try source.endTokens()
        try checks.tokens(beginToken.map { [$0] } ?? [], "tokenizer.ggml.bos_token_id", vocabulary: vocabularySize)
        try checks.tokens(endTokens, "tokenizer.ggml.eos_token_id", vocabulary: vocabularySize)
    }
}

/// Looks keys up under the architecture's prefix.
private struct GGUFConfiguration {
    let file: GGUFFile
    let architecture: ModelConfiguration.Architecture
    let checks: ConfigurationChecks
    /// Of the keys: `general.architecture`.
    private let prefix: String

    /// Names what of an architecture is not computed here.
    private static func why(_ name: String) -> String {
        switch name {
        case "deepseek2": "\(name), for its multi-head latent attention,"
        case "gpt-oss": "\(name), for its attention sinks and MXFP4 experts,"
        case "granite", "granitemoe": "\(name), for its multipliers,"
        default: "\(name) (llama, qwen2, qwen2moe, qwen3moe and olmoe are)"
        }
    }

    init(_ file: GGUFFile) throws(WeightsError) {
        self.file = file
        checks = ConfigurationChecks(file: file.path)
        guard let name = try file.metadata.text("general.architecture") else {
            throw WeightsError(.missing, file: file.path, field: "general.architecture", "is required")
        }
        prefix = name
        let experts = try file.metadata.integer("\(name).expert_count") ?? 0
        switch name {
        // llama.cpp stores Mistral models as llama, and Mixtral with experts.
        case "llama": architecture = experts > 0 ? .mixtral : .llama
        case "qwen2": architecture = .qwen2
        case "qwen2moe": architecture = .qwen2moe
        case "qwen3moe": architecture = .qwen3moe
        case "olmoe": architecture = .olmoe
        default:
            throw checks.refuse("general.architecture", Self.why(name))
        }
        if experts > 0, !architecture.hasExperts {
            throw checks.refuse(key("expert_count"), "a mixture of \(experts) experts in \(name)")
        }
        let norms = architecture.hasExperts ? [] : ["attn_q_norm.weight", "attn_k_norm.weight"]
        for unread in ["ffn_gate.bias", "ffn_up.bias", "ffn_down.bias"] + norms
        where file.contains("blk.0.\(unread)") {
            throw checks.refuse("blk.0.\(unread)", "this tensor")
        }
    }

    func key(_ name: String) -> String { "\(prefix).\(name)" }

    func integer(_ name: String) throws(WeightsError) -> Int? { try file.metadata.integer(key(name)) }

    func number(_ name: String) throws(WeightsError) -> Double? { try file.metadata.number(key(name)) }

    func size(_ name: String, max: Int) throws(WeightsError) -> Int {
        try checks.size(try integer(name), key(name), max: max)
    }

    func headDimension(hidden: Int, heads: Int) throws(WeightsError) -> Int {
        let keyLength = try integer("attention.key_length")
        let dimension = try checks.headDimension(
            keyLength, hidden: hidden, heads: heads, key(keyLength == nil ? "embedding_length" : "attention.key_length")
        )
        for name in ["attention.value_length", "rope.dimension_count"] {
            if let other = try integer(name), other != dimension {
                throw checks.refuse(key(name), "\(other) beside heads of \(dimension)")
            }
        }
        return dimension
    }

    /// The embedding's rows decide: `vocab_size` is optional and older files leave it out.
    func vocabulary() throws(WeightsError) -> Int {
        let rows = try checks.size(
            try file.place("token_embd.weight").rows, "token_embd.weight.shape", max: Limits.vocabularyMax)
        if let claimed = try integer("vocab_size"), claimed != rows {
            throw WeightsError(
                .inconsistent, file: file.path, field: key("vocab_size"), "\(claimed), the embedding has \(rows) rows")
        }
        // Fewer tokens than rows is padding; more would let a tokenizer make ids without an embedding.
        let tokens = "tokenizer.ggml.tokens"
        if let names = try file.metadata.array(tokens), names.count > rows {
            throw WeightsError(
                .inconsistent, file: file.path, field: tokens, "\(names.count), the embedding has \(rows) rows")
        }
        return rows
    }

    func projectionClip() throws(WeightsError) -> Float? {
        guard let clip = try number("attention.clamp_kqv"), clip != 0 else { return nil }
        return Float(try checks.positive(clip, key("attention.clamp_kqv")))
    }

    /// Layers with a router are mixtures. Whether weights are renormalised is a key of newer files, and of older ones the
    /// architecture's (llama.cpp's `build_moe_ffn` calls).
    func mixture(layerCount: Int, intermediateSize: Int) throws(WeightsError) -> MixtureConfiguration? {
        guard architecture.hasExperts else { return nil }
        if let kind = try integer("expert_gating_func"), kind > 1 {
            throw checks.refuse(key("expert_gating_func"), "\(kind) (1, softmax, is)")
        }
        if let scale = try number("expert_weights_scale"), scale != 0, scale != 1 {
            throw checks.refuse(key("expert_weights_scale"), "\(scale)")
        }
        let count = try size("expert_count", max: MixtureConfiguration.expertsMax)
        let width = try integer("expert_feed_forward_length") ?? intermediateSize
        let layers = (0..<layerCount).filter { file.contains("blk.\($0).ffn_gate_inp.weight") }
        guard !layers.isEmpty else {
            throw WeightsError(.missing, file: file.path, field: "blk.0.ffn_gate_inp.weight", "no layer has a router")
        }
        let shared = "blk.\(layers[0]).ffn_gate_shexp.weight"
        let flag = try file.metadata.flag(key("expert_weights_norm"))
        var mixture = MixtureConfiguration(
            expertCount: count, topK: try size("expert_used_count", max: count),
            expertWidth: try checks.size(width, key("expert_feed_forward_length"), max: Limits.widthMax),
            sharedWidth: architecture == .qwen2moe ? try file.place(shared).rows : nil,
            renormalises: flag ?? (architecture == .mixtral || architecture == .qwen3moe), layers: layers,
            hasExtra: false)
        if let widths = try file.metadata.array(key("expert_widths")) {
            let numbers = (0..<widths.count).map {
                widths.elementType == .text ? -1 : widths.integer(at: $0) ?? -1
            }
            mixture.expertWidths = try mixture.checked(numbers, checks, key("expert_widths"))
        }
        return mixture
    }

    func contextLength() throws(WeightsError) -> Int {
        let context = try size("context_length", max: Limits.contextMax)
        guard let window = try integer("attention.sliding_window"), window > 0 else { return context }
        return min(context, window)
    }

    func endTokens() throws(WeightsError) -> [Int] {
        var tokens: Set<Int> = []
        for name in ["eos", "eot", "eom"] {
            if let token = try file.metadata.integer("tokenizer.ggml.\(name)_token_id") { tokens.insert(token) }
        }
        return tokens.sorted()
    }
}

extension GGUFConfiguration {
    func ropeScaling(headDimension: Int, context: Int) throws(WeightsError) -> RopeScaling {
        if file.contains("rope_factors_long.weight") || file.contains("rope_factors_short.weight") {
            throw checks.refuse("rope_factors_long.weight", "longrope scaling")
        }
        let kind = try file.metadata.text(key("rope.scaling.type")) ?? "none"
        if file.contains("rope_freqs.weight") {
            guard kind == "none" else {
                throw checks.refuse(key("rope.scaling.type"), "\(kind) beside rope_freqs.weight")
            }
            return .frequencyFactors(try frequencyFactors(headDimension / 2))
        }
        switch kind {
        case "none":
            // The key that files had before scaling had types.
            guard let factor = try number("rope.scale_linear"), factor != 1 else { return .none }
            return .linear(factor: try checks.positive(factor, key("rope.scale_linear")))
        case "linear": return .linear(factor: try requiredFactor())
        case "yarn": return try yarn(context: context)
        default: throw checks.refuse(key("rope.scaling.type"), "\(kind) scaling")
        }
    }

    private func requiredFactor() throws(WeightsError) -> Double {
        let name = "rope.scaling.factor"
        guard let factor = try number(name) else {
            throw WeightsError(.missing, file: file.path, field: key(name), "is required by rope.scaling.type")
        }
        return try checks.positive(factor, key(name))
    }

    private func yarn(context: Int) throws(WeightsError) -> RopeScaling {
        // llama.cpp multiplies YaRN's usual attention factor by these; no converter for these architectures writes
        // them.
        for name in ["attn_factor", "yarn_attn_factor", "yarn_ext_factor", "yarn_log_multiplier"] {
            if let value = try number("rope.scaling.\(name)"), value != 1 {
                throw checks.refuse(key("rope.scaling.\(name)"), "\(value)")
            }
        }
        let original = try integer("rope.scaling.original_context_length") ?? context
        return .yarn(
            factor: try requiredFactor(),
            originalContext: try checks.size(
                original, key("rope.scaling.original_context_length"), max: Limits.contextMax),
            attentionFactor: nil,
            betaFast: try optionalPositive("rope.scaling.yarn_beta_fast") ?? 32,
            betaSlow: try optionalPositive("rope.scaling.yarn_beta_slow") ?? 1)
    }

    private func optionalPositive(_ name: String) throws(WeightsError) -> Double? {
        guard let value = try number(name) else { return nil }
        return try checks.positive(value, key(name))
    }

    private func frequencyFactors(_ count: Int) throws(WeightsError) -> [Float] {
        let tensor = try file.tensor("rope_freqs.weight")
        guard tensor.shape == [count], tensor.type == .float32 else {
            throw WeightsError(
                .inconsistent, file: file.path, field: "rope_freqs.weight",
                "\(tensor.shape) of \(tensor.type.name), expected [\(count)] of F32")
        }
        let factors = tensor.floats()
        guard factors.allSatisfy({ $0.isFinite && $0 > 0 }) else {
            throw WeightsError(
                .malformed, file: file.path, field: "rope_freqs.weight", "has a factor that is not above 0")
        }
        return factors
    }
}
