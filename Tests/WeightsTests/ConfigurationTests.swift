import Foundation
import Testing
import Weights

struct ConfigurationTests {
    @Test func readsQwen2() throws {
        let configuration = try ModelConfiguration(config: Goldens.path("qwen2/config.json"))
        #expect(configuration.architecture == .qwen2)
        #expect(configuration.headDimension == 128)
        #expect(configuration.hasQueryKeyValueBias && !configuration.hasOutputBias)
        #expect(configuration.contextLength == 131072)
        #expect(configuration.ropeTheta == 1_000_000)
        #expect(
            configuration.ropeScaling
                == .yarn(factor: 4, originalContext: 32768, attentionFactor: nil, betaFast: 32, betaSlow: 1))
        #expect(configuration.beginToken == nil)
        #expect(configuration.endTokens == [151645])
        let names = configuration.requiredTensors.map(\.name)
        #expect(names.contains("model.layers.31.self_attn.v_proj.bias"))
        #expect(!names.contains("model.layers.31.self_attn.o_proj.bias"))
    }

    @Test func mistralsWindowBoundsItsContext() throws {
        let configuration = try ModelConfiguration(config: Goldens.path("mistral/config.json"))
        #expect(configuration.architecture == .mistral)
        #expect(configuration.contextLength == 4096)
        #expect(configuration.keyValueHeadCount == 8)
        #expect(configuration.ropeScaling == RopeScaling.none)
    }

    /// The tiny Llama's configuration with some fields replaced (nil removes one).
    private func read(_ changes: [String: Any?]) throws -> ModelConfiguration {
        var object =
            try JSONSerialization.jsonObject(with: Data(Goldens.bytes("tiny-llama/config.json"))) as? [String: Any]
        for (key, value) in changes { object?[key] = value }
        let bytes = try JSONSerialization.data(withJSONObject: try #require(object))
        return try withTemporaryFolder { folder in
            try write(bytes, to: "\(folder)/config.json")
            return try ModelConfiguration(config: "\(folder)/config.json")
        }
    }

    @Test func readsTheOlderSpellingOfRopeParameters() throws {
        let linear = try read([
            "rope_parameters": nil, "rope_theta": 5e5, "rope_scaling": ["type": "linear", "factor": 2],
        ])
        #expect(linear.ropeTheta == 500_000)
        #expect(linear.ropeScaling == .linear(factor: 2))
        let none = try read(["rope_parameters": nil, "rope_scaling": NSNull()])
        #expect(none.ropeTheta == 10_000)
        #expect(none.ropeScaling == RopeScaling.none)
    }

    @Test func optionalFieldsHaveTransformersDefaults() throws {
        let configuration = try read([
            "num_key_value_heads": nil, "head_dim": nil, "attention_bias": nil, "eos_token_id": [7, 3, 7],
            "rms_norm_eps": nil,
        ])
        #expect(configuration.keyValueHeadCount == 4)
        #expect(configuration.headDimension == 8)
        #expect(!configuration.hasQueryKeyValueBias)
        #expect(configuration.endTokens == [3, 7])
        #expect(configuration.rmsNormEpsilon == 1e-6)
    }

    @Test func whatIsNotSupportedIsRefusedByName() throws {
        expectError(.unsupported, "architectures") { try read(["architectures": ["GemmaForCausalLM"]]) }
        expectError(.unsupported, "hidden_act") { try read(["hidden_act": "gelu"]) }
        expectError(.unsupported, "mlp_bias") { try read(["mlp_bias": true]) }
        expectError(.unsupported, "partial_rotary_factor") { try read(["partial_rotary_factor": 0.5]) }
        expectError(.unsupported, "quantization_config") { try read(["quantization_config": ["bits": 4]]) }
        expectError(.unsupported, "head_dim") { try read(["head_dim": 7]) }
        for kind in ["dynamic", "longrope", "su", "proportional"] {
            expectError(.unsupported, "rope_parameters.rope_type") {
                try read(["rope_parameters": ["rope_type": kind]])
            }
        }
        let yarn: [String: Any] = ["rope_type": "yarn", "factor": 2, "mscale": 1]
        expectError(.unsupported, "rope_parameters.mscale") { try read(["rope_parameters": yarn]) }
    }

    @Test func absurdFieldsAreRefused() throws {
        expectError(.missing, "architectures") { try read(["architectures": nil]) }
        expectError(.missing, "hidden_size") { try read(["hidden_size": nil]) }
        expectError(.malformed, "hidden_size") { try read(["hidden_size": "32"]) }
        expectError(.overLimit, "num_hidden_layers") { try read(["num_hidden_layers": 1 << 40]) }
        expectError(.overLimit, "num_attention_heads") { try read(["num_attention_heads": 0]) }
        expectError(.overLimit, "vocab_size") { try read(["vocab_size": -1]) }
        expectError(.inconsistent, "num_key_value_heads") { try read(["num_key_value_heads": 3]) }
        expectError(.inconsistent, "hidden_size") { try read(["head_dim": nil, "hidden_size": 33]) }
        expectError(.malformed, "rms_norm_eps") { try read(["rms_norm_eps": 0]) }
        expectError(.inconsistent, "eos_token_id") { try read(["eos_token_id": 48]) }
        expectError(.malformed, "eos_token_id") { try read(["eos_token_id": ["</s>"]]) }
        expectError(.missing, "rope_parameters.factor") { try read(["rope_parameters": ["rope_type": "linear"]]) }
        expectError(.malformed, "rope_parameters.factor") {
            try read(["rope_parameters": ["rope_type": "linear", "factor": 0]])
        }
    }

    @Test func tensorsMustFitTheConfiguration() throws {
        func open(_ field: String, _ value: Int) throws -> Checkpoint {
            try withTemporaryFolder { folder in
                let config = String(decoding: try Goldens.bytes("tiny-llama/config.json"), as: UTF8.self)
                let changed = config.replacing(try Regex("\"\(field)\": [0-9]+"), with: "\"\(field)\": \(value)")
                try write(Array(changed.utf8), to: "\(folder)/config.json")
                try write(Goldens.bytes("tiny-llama/model.safetensors"), to: "\(folder)/model.safetensors")
                return try Checkpoint.open(folder)
            }
        }
        #expect(try open("vocab_size", 48).tensorNames.count == 29)
        expectError(.inconsistent, "model.embed_tokens.weight") { try open("vocab_size", 49) }
        expectError(.inconsistent, "model.layers.0.mlp.gate_proj.weight") { try open("intermediate_size", 64) }
        expectError(.missing, "model.layers.2.input_layernorm.weight") { try open("num_hidden_layers", 3) }
    }
}
