import Foundation
import Weights

/// A PEFT folder in the making, with one honest default for everything that a test may spoil.
struct AdapterBuilder {
    var config: [String: Any] = [
        "peft_type": "LORA", "task_type": "CAUSAL_LM", "r": 2, "lora_alpha": 4, "bias": "none",
        "target_modules": ["q_proj", "down_proj"],
    ]
    /// By tensor name: shape and values.
    var tensors: [String: (shape: [Int], values: [Float])] = [:]
    /// Nil for no gates.
    var gates: [String: [Float]]? = [:]
    var gateConfig: [String: Any] = ["format": 1, "label": "test", "eps": 1e-5, "top_k": 2]

    static let sites = ["model.layers.0.self_attn.q_proj", "model.layers.1.mlp.down_proj"]

    /// Two sites of the tiny Llama, whose linears all are 32 wide except k and v.
    init() {
        for site in Self.sites {
            tensors[Self.down(site)] = ([2, 32], (0..<64).map { Float($0) / 64 })
            tensors[Self.up(site)] = ([32, 2], (0..<64).map { 1 - Float($0) / 32 })
            gates?[Self.gate(site)] = (0..<32).map { Float($0) }
        }
    }

    static func down(_ site: String) -> String { "base_model.model.\(site).lora_A.weight" }
    static func up(_ site: String) -> String { "base_model.model.\(site).lora_B.weight" }
    static func gate(_ site: String) -> String { "base_model.model.\(site).phatgoose_gate.weight" }

    func write(to folder: String) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try json(config, "\(folder)/adapter_config.json")
        var writer = SafetensorsWriter(metadata: ["format": "pt"])
        for (name, tensor) in tensors { writer.add(name, shape: tensor.shape, tensor.values) }
        let weights = writer.bytes()
        try WeightsTests.write(weights, to: "\(folder)/adapter_model.safetensors")
        guard let gates else { return }
        var gateWriter = SafetensorsWriter()
        for (name, values) in gates { gateWriter.add(name, shape: [values.count], values) }
        try WeightsTests.write(gateWriter.bytes(), to: "\(folder)/phatgoose_gates.safetensors")
        var settings = gateConfig
        if settings["adapter_sha256"] == nil { settings["adapter_sha256"] = hash(weights) }
        try json(settings, "\(folder)/phatgoose_config.json")
    }

    /// Writes, opens, and throws what opening throws.
    @discardableResult
    func open() throws -> AdapterFolder {
        try withTemporaryFolder { folder in
            try write(to: folder)
            return try AdapterFolder.open(folder)
        }
    }

    private func json(_ object: [String: Any], _ path: String) throws {
        try WeightsTests.write(try JSONSerialization.data(withJSONObject: object), to: path)
    }
}
