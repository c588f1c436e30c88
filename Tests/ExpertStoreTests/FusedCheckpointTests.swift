import ExpertStore
import Foundation
import Testing
import Weights

@Suite struct FusedCheckpointTests {
    /// A Llama of two layers, without biases and scaling, and two adapters: one at all projections, one at feed-forwards alone.
    private struct Tiny {
        let trunk: Checkpoint
        let adapters: [AdapterFolder]

        init(in folder: String, bias: Bool = false) throws {
            let shapes: [(String, [Int])] = [
                ("model.embed_tokens.weight", [24, 16]), ("model.norm.weight", [16]), ("lm_head.weight", [24, 16]),
            ]
            var writer = SafetensorsWriter()
            var seed: UInt64 = 7
            func add(_ name: String, _ shape: [Int]) {
                seed += 1
                writer.add(name, shape: shape, Self.values(shape.reduce(1, *), seed))
            }
            for (name, shape) in shapes { add(name, shape) }
            for layer in 0..<2 {
                for (name, shape) in Self.layer { add("model.layers.\(layer).\(name).weight", shape) }
                if bias {
                    for name in ["q_proj", "k_proj", "v_proj", "o_proj"] {
                        add("model.layers.\(layer).self_attn.\(name).bias", [16])
                    }
                }
            }
            try FileManager.default.createDirectory(
                atPath: "\(folder)/trunk", withIntermediateDirectories: true)
            try Data(writer.bytes()).write(to: URL(filePath: "\(folder)/trunk/model.safetensors"))
            let configuration =
                "{\"architectures\":[\"LlamaForCausalLM\"],\"hidden_size\":16,\"intermediate_size\":20,"
                + "\"num_hidden_layers\":2,\"num_attention_heads\":1,\"num_key_value_heads\":1,\"vocab_size\":24,"
                + "\"max_position_embeddings\":64,\"rms_norm_eps\":1e-05,\"eos_token_id\":[2,3],\"attention_bias\":\(bias)}"
            try Data(configuration.utf8).write(to: URL(filePath: "\(folder)/trunk/config.json"))
            trunk = try Checkpoint.open("\(folder)/trunk")
            adapters = [
                try Self.adapter("\(folder)/a", Self.layer.map(\.0).filter { $0.contains("proj") }, 11),
                try Self.adapter("\(folder)/b", ["mlp.gate_proj", "mlp.down_proj"], 12),
            ]
        }

        static let layer: [(String, [Int])] = [
            ("input_layernorm", [16]), ("self_attn.q_proj", [16, 16]), ("self_attn.k_proj", [16, 16]),
            ("self_attn.v_proj", [16, 16]), ("self_attn.o_proj", [16, 16]), ("post_attention_layernorm", [16]),
            ("mlp.gate_proj", [20, 16]), ("mlp.up_proj", [20, 16]), ("mlp.down_proj", [16, 20]),
        ]

        static func values(_ count: Int, _ seed: UInt64) -> [Float] {
            var state = seed &* 0x9E37_79B9_7F4A_7C15
            return (0..<count).map { _ in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return Float(state >> 40) / Float(1 << 24) - 0.5
            }
        }

        /// alpha 6, rank 3: a scale of 2.
        static func adapter(_ folder: String, _ modules: [String], _ seed: UInt64) throws -> AdapterFolder {
            var writer = SafetensorsWriter()
            for number in 0..<2 {
                for (index, module) in modules.enumerated() {
                    guard let shape = layer.first(where: { $0.0 == module })?.1 else { continue }
                    let root = "base_model.model.model.layers.\(number).\(module)"
                    let own = seed &* 100 &+ UInt64(number * 20 + index)
                    writer.add("\(root).lora_A.weight", shape: [3, shape[1]], values(3 * shape[1], own))
                    writer.add("\(root).lora_B.weight", shape: [shape[0], 3], values(3 * shape[0], own &+ 7))
                }
            }
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try Data(writer.bytes()).write(to: URL(filePath: "\(folder)/adapter_model.safetensors"))
            let targets = modules.compactMap { $0.split(separator: ".").last }.map { "\"\($0)\"" }.joined(
                separator: ",")
            let text = "{\"peft_type\":\"LORA\",\"r\":3,\"lora_alpha\":6,\"target_modules\":[\(targets)]}"
            try Data(text.utf8).write(to: URL(filePath: "\(folder)/adapter_config.json"))
            return try AdapterFolder.open(folder)
        }

        /// W + Σ share · s B A, in double, with sums the other way round than the writer's.
        func merged(_ site: String, _ adapters: [AdapterFolder], share: Double) throws -> [Double] {
            let base = try trunk.tensor("\(site).weight")
            var result = base.floats().map(Double.init)
            for pair in adapters.compactMap({ $0.pair(at: site) }) {
                let (a, b) = (pair.down.floats(), pair.up.floats())
                for row in 0..<base.rows {
                    for column in 0..<base.columns {
                        var sum = 0.0
                        for place in (0..<3).reversed() {
                            sum += Double(b[row * 3 + place]) * Double(a[place * base.columns + column])
                        }
                        result[row * base.columns + column] += 2 * share * sum
                    }
                }
            }
            return result
        }
    }

    private let routers: [[[Float]]] = (0..<2).map { layer in
        (0..<2).map { expert in Tiny.values(16, UInt64(50 + 2 * layer + expert)) }
    }

    private func differ(_ ours: TensorView, _ expected: [Double]) -> Double {
        let values = ours.floats()
        guard values.count == expected.count else { return .infinity }
        return zip(values, expected).map { abs(Double($0) - $1) }.max() ?? .infinity
    }

    @Test(arguments: [true, false]) func everyTensorIsWhatTheEquationSays(isSingle: Bool) throws {
        try withTemporaryFolder { folder in
            let tiny = try Tiny(in: folder)
            let fused = try FusedCheckpoint(
                trunk: tiny.trunk, adapters: tiny.adapters, routers: routers, topK: 2, isSingle: isSingle)
            let out = "\(folder)/out"
            var fractions: [Double] = []
            try fused.writeExperts(to: out) { fractions.append($0) }
            #expect(fractions == [0.25, 0.5, 0.75, 1])
            let tolerance = isSingle ? 1e-6 : 2e-3
            for attention in FusedCheckpoint.Attention.allCases {
                try fused.writeTrunk(attention, to: out)
                let read = try Checkpoint.open(out)
                #expect(read.configuration.architecture == .mixtral)
                #expect(read.configuration.mixture?.expertCount == 2 && read.configuration.mixture?.topK == 2)
                #expect(read.configuration.endTokens == [2, 3])
                for layer in 0..<2 {
                    let prefix = "model.layers.\(layer)"
                    let tensors = try MixtureTensors(read, layer: layer)
                    #expect(differ(tensors.router, routers[layer].flatMap { $0.map(Double.init) }) < tolerance)
                    for (expert, adapter) in zip(tensors.experts, tiny.adapters) {
                        let expert = try #require(expert)
                        let parts = [(expert.gate, "gate"), (expert.up, "up"), (expert.down, "down")]
                        for (view, name) in parts {
                            let expected = try tiny.merged("\(prefix).mlp.\(name)_proj", [adapter], share: 1)
                            #expect(differ(view, expected) < tolerance, "\(view.name)")
                        }
                    }
                    for name in ["q", "k", "v", "o"] {
                        let site = "\(prefix).self_attn.\(name)_proj"
                        let expected = try tiny.merged(
                            site, attention == .average ? tiny.adapters : [], share: 0.5)
                        #expect(differ(try read.tensor("\(site).weight"), expected) < tolerance, "\(site)")
                    }
                }
            }
        }
    }

    /// One more expert, of zeros in the file for programs that know no such thing, and not read here; the GGUF says so too.
    @Test func theSkipExpertIsZerosThatAreNotRead() throws {
        try withTemporaryFolder { folder in
            let tiny = try Tiny(in: folder)
            let fused = try FusedCheckpoint(
                trunk: tiny.trunk, adapters: tiny.adapters, routers: routers, topK: 2, hasSkip: true, isSingle: true)
            let (out, path, words) = ("\(folder)/out", "\(folder)/fused.gguf", "\(folder)/words.gguf")
            try fused.writeExperts(to: out) { _ in }
            try fused.writeTrunk(.base, to: out)
            try Data(Self.vocabulary).write(to: URL(filePath: words))
            let source = try Checkpoint.open(out)
            try GGUFMixture(source, tokenizer: GGUFMetadata(path: words), isSingle: true).write(to: path) { _ in }
            for read in [source, try Checkpoint.open(path)] {
                #expect(read.configuration.mixture?.expertWidths == [20, 20, 0])
                for layer in 0..<2 {
                    let tensors = try MixtureTensors(read, layer: layer)
                    #expect(tensors.experts.map { $0 == nil } == [false, false, true])
                    #expect(tensors.router.floats().suffix(16).allSatisfy { $0 == 0 })
                }
            }
            let zeros = try source.tensor("model.layers.1.block_sparse_moe.experts.2.w2.weight")
            #expect(zeros.shape == [16, 20] && zeros.floats().allSatisfy { $0 == 0 })
        }
    }

    /// The GGUF of a fused checkpoint holds the same numbers, and the tokenizer's keys of the file they came from.
    @Test(arguments: [true, false]) func theGGUFIsTheSameModel(isSingle: Bool) throws {
        try withTemporaryFolder { folder in
            let tiny = try Tiny(in: folder)
            let fused = try FusedCheckpoint(
                trunk: tiny.trunk, adapters: tiny.adapters, routers: routers, topK: 2, isSingle: isSingle)
            let (out, path, words) = ("\(folder)/out", "\(folder)/fused.gguf", "\(folder)/words.gguf")
            try fused.writeExperts(to: out) { _ in }
            try fused.writeTrunk(.average, to: out)
            try Data(Self.vocabulary).write(to: URL(filePath: words))
            let source = try Checkpoint.open(out)
            try GGUFMixture(source, tokenizer: GGUFMetadata(path: words), isSingle: isSingle).write(to: path) { _ in }
            let read = try Checkpoint.open(path)
            #expect(read.configuration.mixture == source.configuration.mixture)
            #expect(read.configuration.architecture == .mixtral && read.configuration.headDimension == 16)
            #expect(read.configuration.endTokens == [2])
            for name in source.configuration.requiredTensors.map(\.name) {
                #expect(try read.tensor(name).floats() == source.tensor(name).floats(), "\(name)")
            }
            for layer in 0..<2 {
                let (ours, theirs) = (try MixtureTensors(read, layer: layer), try MixtureTensors(source, layer: layer))
                #expect(ours.router.floats() == theirs.router.floats())
                for (one, other) in zip(ours.experts, theirs.experts) {
                    let (one, other) = (try #require(one), try #require(other))
                    #expect(one.gate.floats() == other.gate.floats() && one.up.floats() == other.up.floats())
                    #expect(one.down.floats() == other.down.floats())
                }
            }
            let metadata = try #require(read.metadata)
            let tokens = try #require(try metadata.array("tokenizer.ggml.tokens", of: .text))
            #expect((0..<tokens.count).compactMap { tokens.text(at: $0) } == ["a", "b", "é"])
            let kinds = try #require(try metadata.array("tokenizer.ggml.token_type"))
            #expect((0..<kinds.count).compactMap { kinds.integer(at: $0) } == [1, 1, 3])
            #expect(try metadata.text("tokenizer.ggml.model") == "gpt2")
            #expect(try metadata.flag("tokenizer.ggml.add_bos_token") == false)
            #expect(metadata["general.name"] == nil)
            let error = #expect(throws: ExpertStoreError.self) {
                try GGUFMixture(tiny.trunk, tokenizer: GGUFMetadata(path: words), isSingle: isSingle)
            }
            #expect(error?.reason == .unsupported)
        }
    }

    /// A GGUF file of metadata alone.
    private static let vocabulary: [UInt8] = {
        func number(_ value: some FixedWidthInteger) -> [UInt8] {
            (0..<value.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        }
        func text(_ text: String) -> [UInt8] { number(UInt64(text.utf8.count)) + Array(text.utf8) }
        func entry(_ key: String, _ type: UInt32, _ value: [UInt8]) -> [UInt8] { text(key) + number(type) + value }
        let entries = [
            entry("general.name", 8, text("words")), entry("tokenizer.ggml.model", 8, text("gpt2")),
            entry("tokenizer.ggml.tokens", 9, number(UInt32(8)) + number(UInt64(3)) + ["a", "b", "é"].flatMap(text)),
            entry(
                "tokenizer.ggml.token_type", 9,
                number(UInt32(5)) + number(UInt64(3)) + ([1, 1, 3] as [Int32]).flatMap { number($0) }),
            entry("tokenizer.ggml.eos_token_id", 4, number(UInt32(2))),
            entry("tokenizer.ggml.add_bos_token", 7, [0]),
        ]
        return Array("GGUF".utf8) + number(UInt32(3)) + number(UInt64(0)) + number(UInt64(entries.count))
            + entries.flatMap { $0 }
    }()

    @Test func whatTheLayoutCannotHoldIsRefused() throws {
        try withTemporaryFolder { folder in
            let tiny = try Tiny(in: "\(folder)/plain")
            let biased = try Tiny(in: "\(folder)/biased", bias: true)
            func refusal(_ trunk: Checkpoint, _ adapters: [AdapterFolder], topK: Int = 2) -> ExpertStoreError? {
                #expect(throws: ExpertStoreError.self) {
                    try FusedCheckpoint(trunk: trunk, adapters: adapters, routers: routers, topK: topK, isSingle: true)
                }
            }
            #expect(refusal(biased.trunk, tiny.adapters)?.reason == .unsupported)
            #expect(refusal(tiny.trunk, [tiny.adapters[0]])?.reason == .missing)
            #expect(refusal(tiny.trunk, tiny.adapters, topK: 3)?.reason == .missing)
            let fused = try FusedCheckpoint(
                trunk: tiny.trunk, adapters: tiny.adapters, routers: routers, topK: 1, isSingle: false)
            let error = #expect(throws: ExpertStoreError.self) { try fused.writeExperts(to: folder) { _ in } }
            #expect(error?.reason == .nameTaken)
        }
    }
}
