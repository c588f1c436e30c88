import Foundation
import Inference
import Testing
import Weights

@Suite struct MixtureFaultTests {
    /// Layer 1's router becomes NaN: said at the first token, with the layer.
    @Test func aRouterThatYieldsNaNIsAnError() throws {
        let changed = try ChangedCheckpoint("mixtral") { tensors in
            let name = "model.layers.1.block_sparse_moe.gate.weight"
            tensors[name] = tensors[name]?.map { _ in .nan }
        }
        defer { changed.remove() }
        let model = try LanguageModel.load(try Checkpoint.open(changed.path), mode: .exact, team: TestModels.team)
        let error = #expect(throws: ScoreError.self) { try model.score([1, 2, 3], team: TestModels.team) }
        guard case .expert(let message) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(message.contains("layer 1") && message.contains("nan") && message.contains("router"))
        let engine = try Engine(
            model: model, limits: EngineLimits(sequencesMax: 1, contextMax: 64, keyValuePagesMax: 2),
            team: TestModels.team)
        let outcome = try engine.complete(GenerationRequest(prompt: [1, 2, 3], maxTokens: 2))
        #expect(outcome.tokens.isEmpty)
        #expect(outcome.finish == .failed(.expert(message)))
    }

    @Test func anExpertThatIsMissingIsNamed() throws {
        let changed = try ChangedCheckpoint("mixtral") {
            $0["model.layers.2.block_sparse_moe.experts.3.w2.weight"] = nil
        }
        defer { changed.remove() }
        let error = #expect(throws: WeightsError.self) { try Checkpoint.open(changed.path) }
        #expect(error?.reason == .missing)
        #expect(error?.field == "model.layers.2.block_sparse_moe.experts.3.w2.weight")
    }

    @Test(arguments: ["mixtral", "mixtral-fused", "qwen2moe", "olmoe"])
    func aCountThatDisagreesIsRefused(name: String) throws {
        let key = name.hasPrefix("mixtral") ? "num_local_experts" : "num_experts"
        for count in [4, 7] {
            let changed = try ChangedCheckpoint(name, configuration: [key: count]) { _ in }
            defer { changed.remove() }
            let error = #expect(throws: WeightsError.self) { try Checkpoint.open(changed.path) }
            #expect(error?.reason == .inconsistent)
            #expect(error?.detail.contains("\(count)") == true)
        }
    }

    @Test(arguments: [
        ("DeepseekV2ForCausalLM", "latent attention"), ("DeepseekV3ForCausalLM", "latent attention"),
        ("GptOssForCausalLM", "attention sinks and MXFP4"), ("GraniteMoeForCausalLM", "multipliers"),
    ])
    func whatAFamilyNeedsBesideItsGateIsNamed(architecture: String, part: String) throws {
        let changed = try ChangedCheckpoint("mixtral", configuration: ["architectures": [architecture]]) { _ in }
        defer { changed.remove() }
        let error = #expect(throws: WeightsError.self) { try Checkpoint.open(changed.path) }
        #expect(error?.detail.contains(part) == true)
    }

    @Test func otherFaultsOfConfigurationsAreRefused() throws {
        let faults: [(String, [String: Any], WeightsError.Reason)] = [
            ("mixtral", ["num_experts_per_tok": 6], .overLimit), ("mixtral", ["num_local_experts": 0], .overLimit),
            ("openmoe", ["moe_layer_interval": 0], .overLimit), ("openmoe", ["num_experts": 4], .inconsistent),
            ("openmoe", ["hidden_act": "gelu"], .unsupported), ("openmoe", ["moe_layer_interval": 4], .missing),
            ("olmoe", ["clip_qkv": -1], .malformed), ("qwen2moe", ["mlp_only_layers": [3]], .inconsistent),
            ("qwen2moe", ["mlp_only_layers": "1"], .malformed),
            ("qwen2moe", ["shared_expert_intermediate_size": 16], .inconsistent),
            ("qwen3moe-fused", ["moe_intermediate_size": 8], .inconsistent),
            ("mixtral", ["architectures": ["DeepseekV3ForCausalLM"]], .unsupported),
            ("mixtral", ["architectures": ["GptOssForCausalLM"]], .unsupported),
            ("mixtral", ["architectures": ["GraniteMoeForCausalLM"]], .unsupported),
        ]
        for (name, fields, reason) in faults {
            let changed = try ChangedCheckpoint(name, configuration: fields) { _ in }
            defer { changed.remove() }
            let error = #expect(throws: WeightsError.self, "\(fields)") { try Checkpoint.open(changed.path) }
            #expect(error?.reason == reason, "\(fields)")
        }
    }
}

/// A copy of a golden model with other tensors or configuration.
struct ChangedCheckpoint {
    private let folder: URL
    var path: String { folder.path }

    init(
        _ name: String, configuration: [String: Any] = [:], shapes: [String: [Int]] = [:],
        change: (inout [String: [Float]]) -> Void
    ) throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "skein-mixture-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let source = MixtureGolden.folder(name)
        let file = try SafetensorsFile(path: source.appending(path: "model.safetensors").path)
        var tensors: [String: [Float]] = [:]
        for name in file.tensorNames { tensors[name] = try file.tensor(name).floats() }
        change(&tensors)
        var writer = SafetensorsWriter()
        for (name, values) in tensors {
            writer.add(name, shape: try shapes[name] ?? file.tensor(name).shape, values)
        }
        try Data(writer.bytes()).write(to: folder.appending(path: "model.safetensors"))
        let read = try Data(contentsOf: source.appending(path: "config.json"))
        var object = try JSONSerialization.jsonObject(with: read) as? [String: Any] ?? [:]
        for (key, value) in configuration { object[key] = value }
        try JSONSerialization.data(withJSONObject: object).write(to: folder.appending(path: "config.json"))
    }

    func remove() { try? FileManager.default.removeItem(at: folder) }
}
