extension AdapterFields {
    /// Options of PEFT's `LoraConfig` (0.21) that make an adapter something else than y += s · B (A u) on a frozen trunk,
    /// with what they do.
    private static let refused: [String: String] = [
        "use_dora": "DoRA rescales the trunk's weights and is not additive",
        "lora_bias": "a bias inside the pair",
        "trainable_token_indices": "trained embeddings of tokens",
        "target_parameters": "pairs on parameters instead of linear layers",
        "layer_replication": "replicated layers make another trunk",
        "alora_invocation_tokens": "an activated LoRA (aLoRA) switches itself on by tokens",
        "modules_to_save": "modules trained in full would replace the trunk's for everyone",
        "megatron_config": "Megatron's parallel layers",
        "use_qalora": "QALoRA pools the input",
        "use_bdlora": "block-diagonal pairs",
        "arrow_config": "a router of PEFT's own; routing is a request's option here",
        "kasa_config": "KaSA's singular values between A and B",
        "monteclora_config": "sampled weights",
        "velora_config": "compressed activations",
    ]

    /// Options that only say how training began or where things came from.
    private static let withoutEffect: Set<String> = [
        "peft_type", "task_type", "auto_mapping", "peft_version", "base_model_name_or_path", "revision",
        "inference_mode",
        "lora_dropout", "init_lora_weights", "megatron_core", "loftq_config", "eva_config", "corda_config",
        "lora_ga_config", "qalora_group_size", "ensure_weight_tying", "runtime_config",
        // A linear layer of this trunk is [outputs, inputs] either way: PEFT itself sets the option back.
        "fan_in_fan_out",
    ]

    /// What `AdapterConfiguration` reads.
    private static let honoured: Set<String> = [
        "r", "lora_alpha", "use_rslora", "rank_pattern", "alpha_pattern", "target_modules", "exclude_modules",
        "layers_to_transform", "layers_pattern", "bias",
    ]

    /// Initialisations that subtract something from the trunk's weights, which the saved pair then only completes.
    private static let trunkChanging = ["pissa", "olora", "corda", "loftq", "lora_ga", "mica"]

    func refuseWhatIsNotAdditive() throws(WeightsError) {
        guard let type = try text("peft_type") else { throw missing("peft_type") }
        guard type == "LORA" else { throw refusal("peft_type", "\(type); only LORA adapters are routed") }
        if let task = try text("task_type"), task != "CAUSAL_LM" {
            throw refusal("task_type", "\(task); the trunk is a causal language model (CAUSAL_LM)")
        }
        if let bias = try text("bias"), bias != "none" {
            throw refusal("bias", "\(bias) trains the trunk's own biases, which all experts share; only none is routed")
        }
        try refuseInitialisation()
        for (key, value) in object.sorted(by: { $0.key < $1.key }) where !Self.isOff(value) {
            let name = key.text
            if let effect = Self.refused[name] {
                throw refusal(name, "\(effect); switch it off or merge it into a trunk")
            }
            guard Self.honoured.contains(name) || Self.withoutEffect.contains(name) else {
                throw refusal(name, "an option that this program does not know")
            }
        }
    }

    private func refuseInitialisation() throws(WeightsError) {
        let name = "init_lora_weights"
        guard let kind = value(name)?.textValue?.lowercased() else { return }
        if Self.trunkChanging.contains(where: kind.hasPrefix) {
            throw refusal(name, "\(kind) changes the trunk's weights; convert the adapter to plain LoRA first")
        }
    }

    private func refusal(_ name: String, _ detail: String) -> WeightsError {
        WeightsError(.unsupported, file: file, field: name, detail)
    }

    private static func isOff(_ value: JSONValue) -> Bool {
        switch value {
        case .null, .boolean(false), .array([]), .object([:]), .text(""): true
        default: false
        }
    }
}
