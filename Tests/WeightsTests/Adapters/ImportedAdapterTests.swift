import Foundation
import Testing
import Weights

struct ImportedAdapterTests {
    private var trunk: ModelConfiguration {
        get throws { try ModelConfiguration(config: Goldens.path("tiny-llama/config.json")) }
    }

    /// Queries and keys come back in Hugging Face's order: peft's deltas decide.
    @Test func readsLlamaCppsLoRA() throws {
        let adapter = try ImportedAdapter.gguf(path: Goldens.path("adapters/lora.gguf"), trunk: trunk)
        let golden = try #require(try JSONValue(path: Goldens.path("adapters/gguf-deltas.json")).objectValue)
        #expect(adapter.pairs.map(\.site) == golden.keys.map(\.text).sorted() && adapter.pairs.count == 6)
        #expect(adapter.isHalf && adapter.gates.isEmpty)
        for pair in adapter.pairs {
            let expected = try #require(golden[ExactText(pair.site)]?.arrayValue).compactMap(\.numberValue)
            let found = stride(from: 0, to: pair.outputs * pair.inputs, by: 37).map { index in
                let (row, column) = index.quotientAndRemainder(dividingBy: pair.inputs)
                let sum = (0..<pair.rank).reduce(0.0) {
                    $0 + Double(pair.up[row * pair.rank + $1]) * Double(pair.down[$1 * pair.inputs + column])
                }
                return sum * pair.alpha / Double(pair.rank)
            }
            #expect(found.count == expected.count)
            #expect(zip(found, expected).allSatisfy { abs($0 - $1) < 2e-5 }, "\(pair.site)")
        }
    }

    private func gguf(
        _ metadata: [(String, GGUFBuilder.Value)],
        names: [String] = ["blk.0.ffn_up.weight.lora_a", "blk.0.ffn_up.weight.lora_b"]
    ) throws -> ImportedAdapter {
        let tensors = names.map { name in
            GGUFBuilder.Tensor(
                name, dimensions: name.hasSuffix("a") ? [32, 1] : [1, 32], data: [UInt8](repeating: 0, count: 128))
        }
        let bytes = GGUFBuilder(metadata: metadata, tensors: tensors).bytes
        return try ImportedAdapter.gguf(bytes: bytes, file: "lora", trunk: trunk)
    }

    private static let honest: [(String, GGUFBuilder.Value)] = [
        ("general.architecture", .text("llama")), ("general.type", .text("adapter")), ("adapter.type", .text("lora")),
        ("adapter.lora.alpha", .float32(8)),
    ]

    private func without(_ key: String, _ value: GGUFBuilder.Value? = nil) -> [(String, GGUFBuilder.Value)] {
        Self.honest.filter { $0.0 != key } + (value.map { [(key, $0)] } ?? [])
    }

    @Test func whatIsNoLoRAOfThisTrunkIsRefused() throws {
        #expect(try gguf(Self.honest).pairs[0].alpha == 8)
        // llama.cpp takes s = 1 without an alpha: alpha is then the rank.
        #expect(try gguf(without("adapter.lora.alpha")).pairs[0].alpha == 1)
        expectError(.unsupported, "general.type") { try gguf(without("general.type")) }
        expectError(.unsupported, "adapter.type") { try gguf(without("adapter.type", .text("control_vector"))) }
        expectError(.inconsistent, "general.architecture") {
            try gguf(without("general.architecture", .text("gemma2")))
        }
        expectError(.unsupported, "adapter.alora.invocation_tokens") {
            try gguf(Self.honest + [("adapter.alora.invocation_tokens", .uint32(1))])
        }
        expectError(.missing, "blk.0.ffn_up.weight.lora_a") {
            try gguf(Self.honest, names: ["blk.0.ffn_up.weight.lora_a"])
        }
        expectError(.missing, "blk.0.ffn_up.weight.lora_b") {
            try gguf(Self.honest, names: ["blk.0.ffn_up.weight.lora_b"])
        }
        for name in ["token_embd.weight", "output.weight", "blk.0.attn_norm.weight"] {
            expectError(.unsupported, "\(name).lora_a") {
                try gguf(Self.honest, names: ["\(name).lora_a", "\(name).lora_b"])
            }
        }
        expectError(.unsupported, "blk.0.ffn_up.weight.a") { try gguf(Self.honest, names: ["blk.0.ffn_up.weight.a"]) }
        expectError(.missing, "tensors") { try gguf(Self.honest, names: []) }
    }

    private let site = "model.layers.0.self_attn.v_proj"
    /// A [rank 2, inputs 3] and B [outputs 2, rank 2] as both formats store them: transposed.
    private let stored: (down: [Float], up: [Float]) = ([1, 4, 2, 5, 3, 6], [7, 9, 8, 10])

    private func file(_ keys: [(name: String, shape: [Int], values: [Float])]) -> [UInt8] {
        var writer = SafetensorsWriter()
        for key in keys { writer.add(key.name, shape: key.shape, key.values) }
        return writer.bytes()
    }

    private func check(_ adapter: ImportedAdapter, gate: [Float]?) throws {
        let pair = try #require(adapter.pairs.first)
        #expect(adapter.pairs.count == 1 && pair.site == site && pair.rank == 2)
        #expect(pair.down == [1, 2, 3, 4, 5, 6] && pair.up == [7, 8, 9, 10])
        #expect(pair.inputs == 3 && pair.outputs == 2 && pair.alpha == 16 && !adapter.isHalf)
        #expect(adapter.gates[site] == gate)
    }

    @Test func readsTheNamesOfMTTL() throws {
        for (pair, gate) in [("", "selector.french"), (".experts.french", "selector.gates.french")] {
            let bytes = file([
                ("\(site)\(pair).lora_a", [3, 2], stored.down), ("\(site)\(pair).lora_b", [2, 2], stored.up),
                ("\(site).\(gate).v", [1, 3], [1, 2, 3]),
            ])
            try check(try ImportedAdapter.foreign(bytes: bytes, file: "mttl", alpha: 16), gate: [1, 2, 3])
        }
    }

    @Test func readsTheNamesOfRThree() throws {
        for gate in ["router.expert_embeddings", "expert_lora.expert_input_gate", "expert_input_gate"] {
            let bytes = file([
                ("\(site)._addons.expert_lora.layer1__1", [3, 2], stored.down),
                ("\(site)._addons.expert_lora.layer2__1", [2, 2], stored.up),
                ("\(site)._addons.\(gate)__1", [3], [1, 2, 3]),
                ("\(site)._addons.expert_lora.layer1__0", [3, 2], stored.up + [0, 0]),
                ("\(site)._addons.expert_lora.layer2__0", [2, 2], stored.up),
            ])
            try check(try ImportedAdapter.foreign(bytes: bytes, file: "r", expert: "1", alpha: 16), gate: [1, 2, 3])
            expectError(.unsupported, "expert") { try ImportedAdapter.foreign(bytes: bytes, file: "r", alpha: 16) }
            expectError(.missing, "expert") {
                try ImportedAdapter.foreign(bytes: bytes, file: "r", expert: "2", alpha: 16)
            }
        }
    }

    @Test func brokenForeignFilesAreRefused() {
        let down = ("\(site).lora_a", [3, 2], stored.down)
        let up = ("\(site).lora_b", [2, 2], stored.up)
        func open(_ keys: [(name: String, shape: [Int], values: [Float])]) throws -> ImportedAdapter {
            try ImportedAdapter.foreign(bytes: file(keys), file: "f", alpha: 1)
        }
        expectError(.missing, site) { try open([down]) }
        expectError(.missing, site) { try open([up, ("\(site).selector.a.v", [3], [1, 2, 3])]) }
        expectError(.unsupported, "encoder.embed_tokens.weight") {
            try open([down, up, ("encoder.embed_tokens.weight", [1], [0])])
        }
        expectError(.inconsistent, site) { try open([down, ("\(site).lora_b", [4, 1], stored.up)]) }
        expectError(.inconsistent, site) { try open([down, up, ("\(site).selector.a.v", [2], [1, 2])]) }
        expectError(.malformed, "\(site).lora_a") {
            try open([down, up, ("\(site)._addons.expert_lora.layer1__0", [3, 2], stored.down)])
        }
    }

    /// What is written is a PEFT folder with the same numbers.
    @Test func writesWhatItRead() throws {
        let adapter = try ImportedAdapter.gguf(path: Goldens.path("adapters/lora.gguf"), trunk: trunk)
        let file = try SafetensorsFile(bytes: adapter.weightsFile(), file: "written")
        #expect(file.tensorNames.count == 12)
        for pair in adapter.pairs {
            let down = try file.tensor("base_model.model.\(pair.site).lora_A.weight")
            let up = try file.tensor("base_model.model.\(pair.site).lora_B.weight")
            #expect(down.type == .float16 && down.shape == [pair.rank, pair.inputs] && down.floats() == pair.down)
            #expect(up.shape == [pair.outputs, pair.rank] && up.floats() == pair.up)
        }
        #expect(adapter.settings.rank == 4 && adapter.settings.alpha == 6)
        #expect(adapter.settings.ranks.isEmpty && adapter.settings.alphas.isEmpty && adapter.gatesFile() == nil)
    }
}
