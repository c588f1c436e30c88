extension ModelConfiguration {
    /// From Hugging Face's `config.json`, and the end tokens of `generation_config.json` where there is one. Defaults
    /// are those of transformers' configuration classes.
    package init(config path: String, generation: String? = nil) throws(WeightsError) {
        let source = try HuggingFaceConfiguration(path)
        let checks = source.checks
        architecture = source.architecture
        try source.refuseUnsupported()
        layerCount = try source.size("num_hidden_layers", max: Limits.layersMax)
        hiddenSize = try source.size("hidden_size", max: Limits.widthMax)
        intermediateSize = try source.size("intermediate_size", max: Limits.widthMax)
        headCount = try source.size("num_attention_heads", max: Limits.headsMax)
        let keyValueHeads =
            try source.integer("num_key_value_heads")
            ?? ([.llama, .olmoe, .openmoe].contains(architecture) ? headCount : nil)
        keyValueHeadCount = try checks.size(keyValueHeads, "num_key_value_heads", max: Limits.headsMax)
        try checks.heads(headCount, keyValueHeadCount, "num_key_value_heads")
        let explicit = try source.integer("head_dim")
        headDimension = try checks.headDimension(
            explicit, hidden: hiddenSize, heads: headCount, explicit == nil ? "hidden_size" : "head_dim")
        vocabularySize = try source.size("vocab_size", max: Limits.vocabularyMax)
        contextLength = try source.contextLength()
        rmsNormEpsilon = Float(
            try checks.positive(try source.number("rms_norm_eps") ?? 1e-6, "rms_norm_eps", max: 1))
        let rope = try RopeSource(source)
        ropeTheta = try checks.positive(try rope.theta(), "rope_theta")
        ropeScaling = try rope.scaling()
        tiedEmbeddings = try source.flag("tie_word_embeddings") ?? false
        let attentionBias = try source.flag("attention_bias") ?? false
        switch architecture {
        case .qwen2: (hasQueryKeyValueBias, hasOutputBias) = (true, false)
        case .qwen2moe: (hasQueryKeyValueBias, hasOutputBias) = (try source.flag("qkv_bias") ?? true, false)
        case .llama, .qwen3moe, .olmoe: (hasQueryKeyValueBias, hasOutputBias) = (attentionBias, attentionBias)
        case .mistral, .mixtral, .openmoe: (hasQueryKeyValueBias, hasOutputBias) = (false, false)
        }
        queryKeyNorm = architecture == .qwen3moe ? .eachHead : architecture == .olmoe ? .wholeWidth : .none
        projectionClip = try source.projectionClip()
        attentionScale = architecture == .openmoe ? 1 : 1 / Float(headDimension).squareRoot()
        activation = architecture == .openmoe ? .doubledGate : .silu
        mixture = try MixtureConfiguration(source, layerCount: layerCount, intermediateSize: intermediateSize)
        beginToken = try source.tokens("bos_token_id").first
        endTokens = try source.endTokens(generation: generation)
        try checks.tokens(beginToken.map { [$0] } ?? [], "bos_token_id", vocabulary: vocabularySize)
        try checks.tokens(endTokens, "eos_token_id", vocabulary: vocabularySize)
    }
}

/// One object of a configuration file; a field that is absent or null is nil, one of the wrong type an error that names
/// it.
struct HuggingFaceConfiguration {
    let object: JSONValue
    let architecture: ModelConfiguration.Architecture
    let checks: ConfigurationChecks

    init(_ path: String) throws(WeightsError) {
        object = try JSONValue(path: path)
        checks = ConfigurationChecks(file: path)
        guard let name = object["architectures"]?.arrayValue?.first?.textValue else {
            throw WeightsError(.missing, file: path, field: "architectures", "is required")
        }
        switch name {
        case "LlamaForCausalLM": architecture = .llama
        case "MistralForCausalLM": architecture = .mistral
        case "Qwen2ForCausalLM": architecture = .qwen2
        case "MixtralForCausalLM": architecture = .mixtral
        case "Qwen2MoeForCausalLM": architecture = .qwen2moe
        case "Qwen3MoeForCausalLM": architecture = .qwen3moe
        case "OlmoeForCausalLM": architecture = .olmoe
        // Its model_type says llama.
        case "OpenMoeForCausalLM": architecture = .openmoe
        default: throw checks.refuse("architectures", Self.why(name))
        }
    }

    /// Names what of an architecture is not computed here.
    private static func why(_ name: String) -> String {
        switch name {
        case "DeepseekV2ForCausalLM", "DeepseekV3ForCausalLM": "\(name), for its multi-head latent attention,"
        case "GptOssForCausalLM": "\(name), for its attention sinks and MXFP4 experts,"
        case "GraniteMoeForCausalLM": "\(name), for its multipliers,"
        default:
            "\(name) (ForCausalLM of Llama, Mistral, Qwen2, Mixtral, Qwen2Moe, Qwen3Moe, Olmoe and OpenMoe are)"
        }
    }

    func value(_ name: String, in part: JSONValue? = nil) -> JSONValue? {
        guard let value = (part ?? object)[name], !value.isNull else { return nil }
        return value
    }

    func integer(_ name: String, in part: JSONValue? = nil) throws(WeightsError) -> Int? {
        try typed(name, part, "an integer") { $0.integerValue }
    }

    func number(_ name: String, in part: JSONValue? = nil) throws(WeightsError) -> Double? {
        try typed(name, part, "a number") { $0.numberValue }
    }

    func flag(_ name: String, in part: JSONValue? = nil) throws(WeightsError) -> Bool? {
        try typed(name, part, "true or false") { $0.booleanValue }
    }

    func text(_ name: String, in part: JSONValue? = nil) throws(WeightsError) -> String? {
        try typed(name, part, "a string") { $0.textValue }
    }

    func size(_ name: String, max: Int) throws(WeightsError) -> Int {
        try checks.size(try integer(name), name, max: max)
    }

    private func typed<T>(
        _ name: String, _ part: JSONValue?, _ expected: String, _ read: (JSONValue) -> T?
    ) throws(WeightsError) -> T? {
        guard let value = value(name, in: part) else { return nil }
        guard let result = read(value) else {
            throw WeightsError(.malformed, file: checks.file, field: name, "is not \(expected)")
        }
        return result
    }

    /// An array of whole numbers; empty where it is absent.
    func integers(_ name: String) throws(WeightsError) -> [Int] {
        guard let value = value(name) else { return [] }
        let numbers = value.arrayValue?.compactMap(\.integerValue)
        guard let numbers, numbers.count == value.arrayValue?.count else {
            throw WeightsError(.malformed, file: checks.file, field: name, "is not an array of integers")
        }
        return numbers
    }

    /// A token id or an array of them.
    func tokens(_ name: String, in part: JSONValue? = nil) throws(WeightsError) -> [Int] {
        guard let value = value(name, in: part) else { return [] }
        let ids = (value.arrayValue ?? [value]).compactMap(\.integerValue)
        guard ids.count == value.arrayValue?.count ?? 1 else {
            throw WeightsError(.malformed, file: checks.file, field: name, "is neither a token id nor an array of them")
        }
        return ids
    }
}

extension HuggingFaceConfiguration {
    func refuseUnsupported() throws(WeightsError) {
        let known = architecture == .openmoe ? ["silu", "swiglu"] : ["silu"]
        if let activation = try text("hidden_act"), !known.contains(activation) {
            throw checks.refuse("hidden_act", activation)
        }
        if try flag("mlp_bias") ?? false { throw checks.refuse("mlp_bias", "a bias in the feed-forward layers") }
        if let rotated = try number("partial_rotary_factor"), rotated != 1 {
            throw checks.refuse("partial_rotary_factor", "\(rotated)")
        }
        if value("quantization_config") != nil {
            throw checks.refuse("quantization_config", "a checkpoint quantised by another tool")
        }
    }

    func projectionClip() throws(WeightsError) -> Float? {
        guard architecture == .olmoe, let clip = try number("clip_qkv") else { return nil }
        return Float(try checks.positive(clip, "clip_qkv"))
    }

    func contextLength() throws(WeightsError) -> Int {
        let context = try size("max_position_embeddings", max: Limits.contextMax)
        // The Qwens name a window that they use only when told to; Mistral and Mixtral use the one they name; others have none.
        let names = architecture == .mistral || architecture == .mixtral
        let slides = names ? true : try flag("use_sliding_window") ?? false
        guard ![.llama, .olmoe, .openmoe].contains(architecture), slides, let window = try integer("sliding_window"),
            window > 0
        else {
            return context
        }
        return min(context, window)
    }

    /// Both files' `eos_token_id`: models list the end of turn in one and the end of text in the other.
    func endTokens(generation path: String?) throws(WeightsError) -> [Int] {
        var ids = Set(try tokens("eos_token_id"))
        if let path {
            let generation = try JSONValue(path: path)
            ids.formUnion(try tokens("eos_token_id", in: generation))
        }
        return ids.sorted()
    }
}
