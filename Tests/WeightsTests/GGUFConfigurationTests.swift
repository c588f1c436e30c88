import Testing
import Weights

/// A one-layer model built here, with one thing changed at a time.
struct GGUFConfigurationTests {
    /// Hidden 8, two heads of 4, feed-forward 4, vocabulary 6.
    private static let shapes: [(String, [UInt64])] = [
        ("token_embd.weight", [8, 6]), ("output_norm.weight", [8]), ("blk.0.attn_norm.weight", [8]),
        ("blk.0.attn_q.weight", [8, 8]), ("blk.0.attn_k.weight", [8, 8]), ("blk.0.attn_v.weight", [8, 8]),
        ("blk.0.attn_output.weight", [8, 8]), ("blk.0.ffn_norm.weight", [8]), ("blk.0.ffn_gate.weight", [8, 4]),
        ("blk.0.ffn_up.weight", [8, 4]), ("blk.0.ffn_down.weight", [4, 8]),
    ]

    private static let numbers: [(String, GGUFBuilder.Value)] = [
        ("block_count", .uint32(1)), ("context_length", .uint32(16)), ("embedding_length", .uint32(8)),
        ("feed_forward_length", .uint32(4)), ("attention.head_count", .uint32(2)),
        ("attention.layer_norm_rms_epsilon", .float32(1e-5)),
    ]

    /// - Parameters:
    ///   - changes: keys with their architecture's prefix.
    ///   - removed: a key or a tensor.
    ///   - added: tensors of F32, innermost dimension first.
    private func open(
        _ architecture: String = "llama", _ changes: [String: GGUFBuilder.Value] = [:],
        adding added: [(String, [UInt64])] = [], removing removed: String = ""
    ) throws -> Checkpoint {
        var metadata = [("general.architecture", GGUFBuilder.Value.text(architecture))]
        metadata += Self.numbers.map { ("\(architecture).\($0.0)", $0.1) }.filter {
            changes[$0.0] == nil && $0.0 != removed
        }
        metadata += changes.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        let tensors = (Self.shapes + added).filter { $0.0 != removed }.map { name, dimensions in
            let count = Int(dimensions.reduce(1, *))
            let data = (0..<count).flatMap { littleEndian(Float($0 + 1).bitPattern) }
            return GGUFBuilder.Tensor(name, dimensions: dimensions, data: data)
        }
        return try Checkpoint(gguf: GGUFBuilder(metadata: metadata, tensors: tensors).bytes, file: "built.gguf")
    }

    @Test func absentKeysHaveDefaults() throws {
        let configuration = try open().configuration
        #expect(configuration.keyValueHeadCount == 2)
        #expect(configuration.headDimension == 4)
        #expect(configuration.ropeTheta == 10_000)
        #expect(configuration.ropeScaling == RopeScaling.none)
        #expect(configuration.tiedEmbeddings)
        #expect(configuration.beginToken == nil && configuration.endTokens == [])
        #expect(try !open(adding: [("output.weight", [8, 6])]).configuration.tiedEmbeddings)
    }

    /// llama.cpp's converter permutes Llama's rows, and no other architecture's.
    @Test func onlyLlamaIsPermuted() throws {
        let name = "model.layers.0.self_attn.q_proj.weight"
        let firstOfRows = { (tensor: TensorView) in (0..<8).map { tensor.floats()[$0 * 8] } }
        #expect(try firstOfRows(open().tensor(name)) == [1, 17, 9, 25, 33, 49, 41, 57])
        #expect(try firstOfRows(open("qwen2").tensor(name)) == [1, 9, 17, 25, 33, 41, 49, 57])
    }

    @Test func qwen2HasBiases() throws {
        let biases: [(String, [UInt64])] = ["q", "k", "v"].map { ("blk.0.attn_\($0).bias", [8]) }
        let checkpoint = try open("qwen2", adding: biases)
        #expect(checkpoint.configuration.hasQueryKeyValueBias && !checkpoint.configuration.hasOutputBias)
        let name = "model.layers.0.self_attn.k_proj.bias"
        #expect(try checkpoint.tensor(name).floats() == [1, 2, 3, 4, 5, 6, 7, 8])
        // Of Llama the elements are permuted as the rows are.
        #expect(try open(adding: biases).tensor(name).floats() == [1, 3, 2, 4, 5, 7, 6, 8])
        expectError(.missing, name) { try open("qwen2", adding: [biases[0], biases[2]]) }
    }

    @Test func readsRopeScaling() throws {
        func scaling(_ changes: [String: GGUFBuilder.Value], adding added: [(String, [UInt64])] = []) throws
            -> RopeScaling
        {
            let prefixed = changes.map { ("llama.rope.\($0.key)", $0.value) }
            return try open("llama", Dictionary(uniqueKeysWithValues: prefixed), adding: added).configuration
                .ropeScaling
        }
        #expect(try scaling(["scaling.type": .text("none")]) == RopeScaling.none)
        #expect(try scaling(["scale_linear": .float32(4)]) == .linear(factor: 4))
        #expect(try scaling(["scaling.type": .text("linear"), "scaling.factor": .float32(2)]) == .linear(factor: 2))
        #expect(
            try scaling([
                "scaling.type": .text("yarn"), "scaling.factor": .float32(4),
                "scaling.original_context_length": .uint32(8),
            ]) == .yarn(factor: 4, originalContext: 8, attentionFactor: nil, betaFast: 32, betaSlow: 1))
        #expect(try scaling([:], adding: [("rope_freqs.weight", [2])]) == .frequencyFactors([1, 2]))
        expectError(.missing, "llama.rope.scaling.factor") { try scaling(["scaling.type": .text("linear")]) }
        expectError(.unsupported, "llama.rope.scaling.type") { try scaling(["scaling.type": .text("longrope")]) }
        expectError(.unsupported, "rope_factors_long.weight") {
            try scaling([:], adding: [("rope_factors_long.weight", [2])])
        }
        expectError(.inconsistent, "rope_freqs.weight") { try scaling([:], adding: [("rope_freqs.weight", [3])]) }
    }

    @Test func aWindowBoundsTheContext() throws {
        #expect(try open().configuration.contextLength == 16)
        #expect(try open("llama", ["llama.attention.sliding_window": .uint32(4)]).configuration.contextLength == 4)
    }

    @Test func whatIsNotSupportedIsRefusedByName() {
        expectError(.unsupported, "general.architecture") { try open("gpt2") }
        for (name, part) in [
            ("deepseek2", "latent attention"), ("gpt-oss", "sinks and MXFP4"), ("granitemoe", "multipliers"),
        ] {
            let error = #expect(throws: WeightsError.self) { try open(name) }
            #expect(error?.detail.contains(part) == true)
        }
        expectError(.unsupported, "qwen2.expert_count") { try open("qwen2", ["qwen2.expert_count": .uint32(8)]) }
        expectError(.missing, "blk.0.ffn_gate_inp.weight") { try open("llama", ["llama.expert_count": .uint32(8)]) }
        for (key, value) in [
            ("expert_gating_func", GGUFBuilder.Value.uint32(2)), ("expert_weights_scale", .float32(2)),
        ] {
            expectError(.unsupported, "llama.\(key)") {
                try open("llama", ["llama.expert_count": .uint32(8), "llama.\(key)": value])
            }
        }
        expectError(.unsupported, "llama.rope.dimension_count") {
            try open("llama", ["llama.rope.dimension_count": .uint32(2)])
        }
        expectError(.unsupported, "blk.0.ffn_up.bias") { try open(adding: [("blk.0.ffn_up.bias", [4])]) }
    }

    @Test func contradictionsAreRefused() {
        expectError(.missing, "llama.block_count") { try open(removing: "llama.block_count") }
        expectError(.overLimit, "llama.block_count") { try open("llama", ["llama.block_count": .uint32(.max)]) }
        expectError(.malformed, "llama.block_count") { try open("llama", ["llama.block_count": .text("1")]) }
        expectError(.missing, "model.layers.1.input_layernorm.weight") {
            try open("llama", ["llama.block_count": .uint32(2)])
        }
        expectError(.missing, "llama.attention.layer_norm_rms_epsilon") {
            try open(removing: "llama.attention.layer_norm_rms_epsilon")
        }
        expectError(.malformed, "llama.attention.layer_norm_rms_epsilon") {
            try open("llama", ["llama.attention.layer_norm_rms_epsilon": .float32(.nan)])
        }
        expectError(.inconsistent, "llama.vocab_size") { try open("llama", ["llama.vocab_size": .uint32(7)]) }
        expectError(.inconsistent, "tokenizer.ggml.tokens") {
            try open("llama", ["tokenizer.ggml.tokens": .strings([String](repeating: "x", count: 7))])
        }
        expectError(.inconsistent, "tokenizer.ggml.eos_token_id") {
            try open("llama", ["tokenizer.ggml.eos_token_id": .uint32(6)])
        }
        expectError(.inconsistent, "llama.attention.head_count_kv") {
            try open("llama", ["llama.attention.head_count": .uint32(2), "llama.attention.head_count_kv": .uint32(3)])
        }
        expectError(.missing, "token_embd.weight") { try open(removing: "token_embd.weight") }
        expectError(.missing, "model.norm.weight") { try open(removing: "output_norm.weight") }
        // Rows that are not whole heads, in a layer that the configuration does not even use.
        expectError(.inconsistent, "blk.7.attn_q.weight") {
            try open(adding: [("blk.7.attn_q.weight", [8, 6])]).tensor("model.layers.7.self_attn.q_proj.weight")
        }
        expectError(.malformed, "blk.0.attn_q.weight") {
            try open(adding: [("blk.0.attn_q.weight", [8, 8])])
        }
    }
}
