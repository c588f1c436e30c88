/// Translates ggml's tensor names into Hugging Face's (`MODEL_TENSORS` and `TensorNameMap` of gguf-py).
enum GGUFNames {
    private static let global = [
        "token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight",
        "output.weight": "lm_head.weight",
    ]

    private static let inLayer = [
        "attn_norm": "input_layernorm", "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj",
        "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj", "ffn_norm": "post_attention_layernorm",
        "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj",
        "attn_q_norm": "self_attn.q_norm", "attn_k_norm": "self_attn.k_norm", "ffn_gate_inp": "mlp.gate",
        "ffn_gate_exps": "mlp.experts.gate_proj", "ffn_up_exps": "mlp.experts.up_proj",
        "ffn_down_exps": "mlp.experts.down_proj", "ffn_gate_inp_shexp": "mlp.shared_expert_gate",
        "ffn_gate_shexp": "mlp.shared_expert.gate_proj", "ffn_up_shexp": "mlp.shared_expert.up_proj",
        "ffn_down_shexp": "mlp.shared_expert.down_proj",
    ]

    /// The Hugging Face name; a name without one stays as it is.
    static func huggingFace(_ name: String) -> String {
        if let known = global[name] { return known }
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4, parts[0] == "blk", let module = inLayer[String(parts[2])] else { return name }
        return "model.layers.\(parts[1]).\(module).\(parts[3])"
    }

    private static let permuted = [".attn_q.weight", ".attn_k.weight", ".attn_q.bias", ".attn_k.bias"]

    /// How the rows (of a bias: the elements) of the tensor named `name` (by ggml) stand in a file of `architecture`.
    static func rowOrder(_ name: String, _ configuration: ModelConfiguration) -> RowOrder {
        guard [.llama, .mixtral].contains(configuration.architecture), permuted.contains(where: name.hasSuffix) else {
            return .stored
        }
        return .interleavedHalves(headDimension: configuration.headDimension)
    }
}
