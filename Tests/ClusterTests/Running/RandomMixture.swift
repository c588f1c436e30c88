import Foundation
import Weights

/// A small Mixtral of random weights, the same wherever it is made: 6 layers, 8 experts each, and a vocabulary of bytes.
enum RandomMixture {
    static let layers = 6
    static let experts = 8
    /// Of activations, and of an expert's inside.
    struct Size {
        var hidden = 64
        var width = 96

        /// Of one expert, as stored and as packed: f32.
        var expertBytes: Int { 3 * 4 * hidden * width }
    }

    /// All heads' together.
    private static let headWidth = 64
    private static let vocabulary = 256

    /// Writes `config.json`, `tokenizer.json` and `model.safetensors`.
    ///
    /// - Parameter changed: an expert that differs from the same of another file, by one number.
    static func write(
        to folder: String, _ size: Size = Size(), changed: (layer: Int, expert: Int)? = nil
    ) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try Data(configuration(size).utf8).write(to: URL(filePath: "\(folder)/config.json"))
        try Data(tokenizer.utf8).write(to: URL(filePath: "\(folder)/tokenizer.json"))
        try Data(weights(size, changed).bytes()).write(to: URL(filePath: "\(folder)/model.safetensors"))
    }

    /// Prompts without a text.
    static func tokens(_ count: Int) -> [Int32] {
        var numbers = Numbers(seed: 7)
        return (0..<count).map { _ in Int32(numbers.next() % UInt64(vocabulary)) }
    }

    private static func weights(_ size: Size, _ changed: (layer: Int, expert: Int)?) -> SafetensorsWriter {
        let (hidden, width) = (size.hidden, size.width)
        var writer = SafetensorsWriter()
        var numbers = Numbers(seed: 1)
        func add(_ name: String, _ shape: [Int], scale: Float = 0.15, around centre: Float = 0) {
            let count = shape.reduce(1, *)
            writer.add(name, shape: shape, (0..<count).map { _ in centre + scale * numbers.nextSigned() })
        }
        add("model.embed_tokens.weight", [vocabulary, hidden], scale: 1)
        add("model.norm.weight", [hidden], around: 1)
        add("lm_head.weight", [vocabulary, hidden])
        for layer in 0..<layers {
            let root = "model.layers.\(layer)"
            add("\(root).input_layernorm.weight", [hidden], around: 1)
            add("\(root).post_attention_layernorm.weight", [hidden], around: 1)
            for name in ["q", "k", "v"] { add("\(root).self_attn.\(name)_proj.weight", [headWidth, hidden]) }
            add("\(root).self_attn.o_proj.weight", [hidden, headWidth])
            add("\(root).block_sparse_moe.gate.weight", [experts, hidden])
            for expert in 0..<experts {
                let isOther = changed?.layer == layer && changed?.expert == expert
                let block = "\(root).block_sparse_moe.experts.\(expert)"
                add("\(block).w1.weight", [width, hidden], scale: isOther ? 0.151 : 0.15)
                add("\(block).w3.weight", [width, hidden])
                add("\(block).w2.weight", [hidden, width])
            }
        }
        return writer
    }

    private static func configuration(_ size: Size) -> String {
        """
        {"architectures": ["MixtralForCausalLM"], "model_type": "mixtral", "vocab_size": \(vocabulary), "hidden_size": \(size.hidden),
         "intermediate_size": \(size.width), "num_hidden_layers": \(layers), "num_attention_heads": 4, "num_key_value_heads": 4,
         "head_dim": 16, "hidden_act": "silu", "rms_norm_eps": 1e-05, "rope_theta": 10000.0, "max_position_embeddings": 8192,
         "num_local_experts": \(experts), "num_experts_per_tok": 2, "tie_word_embeddings": false, "sliding_window": null}
        """
    }

    /// Byte-level BPE without merges: GPT-2's characters for the bytes.
    private static let tokenizer: String = {
        let plain = Set(Array(33...126) + Array(161...172) + Array(174...255))
        var next = 256
        var entries: [String] = []
        for byte in 0..<256 {
            let code = plain.contains(byte) ? byte : next
            if !plain.contains(byte) { next += 1 }
            let digits = String(code, radix: 16)
            entries.append("\"\\u\(String(repeating: "0", count: 4 - digits.count))\(digits)\":\(byte)")
        }
        return """
            {"version":"1.0","added_tokens":[],"normalizer":null,"pre_tokenizer":{"type":"Sequence","pretokenizers":[
            {"type":"Digits","individual_digits":true},
            {"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true}]},
            "decoder":{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true},
            "model":{"type":"BPE","byte_fallback":false,"fuse_unk":false,"ignore_merges":false,
            "vocab":{\(entries.joined(separator: ","))},"merges":[]}}
            """
    }()

    /// SplitMix64.
    private struct Numbers {
        var state: UInt64

        init(seed: UInt64) { state = seed }

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var value = state
            value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
            value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
            return value ^ (value >> 31)
        }

        /// -1 ... 1.
        mutating func nextSigned() -> Float { Float(next() >> 40) / Float(1 << 23) - 1 }
    }
}
