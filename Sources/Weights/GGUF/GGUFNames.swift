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
        guard configuration.architecture == .llama, permuted.contains(where: name.hasSuffix) else { return .stored }
        return .interleavedHalves(headDimension: configuration.headDimension)
    }
}
