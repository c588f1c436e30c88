import Foundation
import SystemReasons
import Weights

/// Writes a trunk and its experts as one checkpoint in Mixtral's layout: expert e of a layer is the trunk's feed-forward with adapter e
/// merged, W + s B A; attention is the trunk's, or has the mean of all adapters merged.
package struct FusedCheckpoint: Sendable {
    package enum Attention: String, Sendable, CaseIterable {
        case base
        case average
    }

    private let trunk: Checkpoint
    private let adapters: [AdapterFolder]
    /// z by layer and expert, [layers][E][hidden]; `writeTrunk` writes them.
    package var routers: [[[Float]]]
    private let topK: Int
    private let hasSkip: Bool
    private let element: TensorFileWriter.Element

    private static let trunkFile = "model-00001-of-00002.safetensors"
    private static let expertsFile = "model-00002-of-00002.safetensors"

    /// Refuses a trunk that Mixtral's layout cannot express, by name.
    ///
    /// - Parameters:
    ///   - adapters: in the order in which experts are numbered.
    ///   - hasSkip: one more expert, the last, computes nothing: its weights and its row of the router are zeros, so it is chosen where
    ///     fewer than k experts score above 0.
    ///   - isSingle: F32 instead of F16.
    package init(
        trunk: Checkpoint, adapters: [AdapterFolder], routers: [[[Float]]], topK: Int,
        hasSkip: Bool = false,
        isSingle: Bool
    ) throws(ExpertStoreError) {
        self.trunk = trunk
        self.adapters = adapters
        self.routers = routers
        self.topK = topK
        self.hasSkip = hasSkip
        element = isSingle ? .single : .half
        let configuration = trunk.configuration
        func refuse(_ field: String, _ what: String) -> ExpertStoreError {
            ExpertStoreError(
                .unsupported, file: trunk.path, field: field, "\(what); Mixtral's layout has no place for it")
        }
        if configuration.hasQueryKeyValueBias || configuration.hasOutputBias { throw refuse("attention", "has biases") }
        if configuration.ropeScaling != .none { throw refuse("rotary embedding", "is scaled") }
        if configuration.mixture != nil { throw refuse("feed-forward", "is a mixture of experts already") }
        guard adapters.count >= 2, (1...adapters.count).contains(topK) else {
            throw ExpertStoreError(
                .missing, file: trunk.path, field: "experts",
                "\(adapters.count) experts, \(topK) of them per token; give at least two, and at least as many as chosen"
            )
        }
        for adapter in adapters {
            try readingWeights { () throws(WeightsError) in try adapter.check(against: configuration) }
        }
    }

    /// Writes everything but tokenizer and what `writeTrunk` writes. The folder must be new or empty.
    package func writeExperts(to folder: String, progress: (Double) -> Void) throws(ExpertStoreError) {
        let files = FileManager.default
        do { try files.createDirectory(atPath: folder, withIntermediateDirectories: true) } catch {
            throw ExpertStoreError(
                .unreadable, file: folder, field: "folder", "cannot be made (\(SystemReason.text(of: error)))")
        }
        guard (try? files.contentsOfDirectory(atPath: folder))?.isEmpty == true else {
            throw ExpertStoreError(.nameTaken, file: folder, field: "folder", "is not empty; give a new one")
        }
        try write(Data(configurationJSON.utf8), "\(folder)/config.json")
        try write(Data(indexJSON.utf8), "\(folder)/model.safetensors.index.json")
        let writer = try TensorFileWriter(path: "\(folder)/\(Self.expertsFile)", expertEntries, as: element)
        let layers = trunk.configuration.layerCount
        for layer in 0..<layers {
            let block = "model.layers.\(layer).block_sparse_moe"
            for (expert, adapter) in adapters.enumerated() {
                for (short, module) in Self.modules {
                    let site = "model.layers.\(layer).mlp.\(module)"
                    try writer.append(
                        "\(block).experts.\(expert).\(short).weight",
                        try merged(site, [adapter.pair(at: site)].compactMap { $0 }, share: 1))
                }
                progress(Double(layer * adapters.count + expert + 1) / Double(layers * adapters.count))
            }
            if hasSkip { try appendSkip(block, to: writer) }
        }
        try writer.finish()
    }

    /// Zeros, so that programs that know no skip experts compute the same.
    private func appendSkip(_ block: String, to writer: TensorFileWriter) throws(ExpertStoreError) {
        let zeros = [Float](
            repeating: 0, count: trunk.configuration.hiddenSize * trunk.configuration.intermediateSize)
        for (short, _) in Self.modules {
            try writer.append("\(block).experts.\(adapters.count).\(short).weight", zeros)
        }
    }

    /// Writes embeddings, attention, norms and routers; again with another `attention` or other routers replaces them.
    package func writeTrunk(_ attention: Attention, to folder: String) throws(ExpertStoreError) {
        let writer = try TensorFileWriter(path: "\(folder)/\(Self.trunkFile)", trunkEntries, as: element)
        for entry in trunkEntries {
            if let layer = routerNames.firstIndex(of: entry.name) {
                let skip = [Float](repeating: 0, count: hasSkip ? trunk.configuration.hiddenSize : 0)
                try writer.append(entry.name, routers[layer].flatMap { $0 } + skip)
                continue
            }
            let isProjection = entry.name.contains(".self_attn.")
            let site = String(entry.name.dropLast(".weight".count))
            let pairs = attention == .average && isProjection ? adapters.compactMap { $0.pair(at: site) } : []
            try writer.append(entry.name, try merged(site, pairs, share: 1 / Float(adapters.count)))
        }
        try writer.finish()
    }

    /// W + Σ share s B A, row by row; the sum over the rank in ascending order.
    private func merged(_ site: String, _ pairs: [LowRankPair], share: Float) throws(ExpertStoreError) -> [Float] {
        let base = try readingWeights { () throws(WeightsError) in try trunk.tensor("\(site).weight") }
        var values = base.floats()
        for pair in pairs {
            let down = pair.down.floats()
            let up = pair.up.floats()
            let (rank, width, scale) = (pair.rank, pair.inputs, pair.scale * share)
            add(up, down, scale: scale, rank: rank, width: width, to: &values)
        }
        return values
    }

    private func add(_ up: [Float], _ down: [Float], scale: Float, rank: Int, width: Int, to values: inout [Float]) {
        var sums = values.mutableSpan
        let down = down.span
        for row in 0..<up.count / rank {
            for place in 0..<rank {
                let factor = scale * up[row * rank + place]
                for column in 0..<width { sums[row * width + column] += factor * down[place * width + column] }
            }
        }
    }

    private func write(_ data: Data, _ path: String) throws(ExpertStoreError) {
        do { try data.write(to: URL(filePath: path), options: .atomic) } catch {
            throw ExpertStoreError(
                .unreadable, file: path, field: "file", "cannot be written (\(SystemReason.text(of: error)))")
        }
    }
}

extension FusedCheckpoint {
    /// Mixtral's names of gate, up and down.
    private static let modules = [("w1", "gate_proj"), ("w3", "up_proj"), ("w2", "down_proj")]

    private var expertCount: Int { adapters.count + (hasSkip ? 1 : 0) }

    private var expertEntries: [TensorFileWriter.Entry] {
        let (hidden, width) = (trunk.configuration.hiddenSize, trunk.configuration.intermediateSize)
        return (0..<trunk.configuration.layerCount).flatMap { layer in
            let block = "model.layers.\(layer).block_sparse_moe"
            return (0..<expertCount).flatMap { expert in
                Self.modules.map { short, _ in
                    TensorFileWriter.Entry(
                        name: "\(block).experts.\(expert).\(short).weight",
                        shape: short == "w2" ? [hidden, width] : [width, hidden])
                }
            }
        }
    }

    /// By layer.
    private var routerNames: [String] {
        (0..<trunk.configuration.layerCount).map { "model.layers.\($0).block_sparse_moe.gate.weight" }
    }

    private var trunkEntries: [TensorFileWriter.Entry] {
        trunk.configuration.requiredTensors.filter { !$0.name.contains(".mlp.") }.map {
            TensorFileWriter.Entry(name: $0.name, shape: $0.shape)
        } + routerNames.map { .init(name: $0, shape: [expertCount, trunk.configuration.hiddenSize]) }
    }

    private var indexJSON: String {
        let places = trunkEntries.map { ($0, Self.trunkFile) } + expertEntries.map { ($0, Self.expertsFile) }
        let bytes = places.reduce(0) { $0 + $1.0.elements * element.bytes }
        let members = places.map { "    \"\($0.0.name)\": \"\($0.1)\"" }.joined(separator: ",\n")
        return "{\n  \"metadata\": {\"total_size\": \(bytes)},\n  \"weight_map\": {\n\(members)\n  }\n}\n"
    }

    private var configurationJSON: String {
        let c = trunk.configuration
        let full = [Int](repeating: c.intermediateSize, count: adapters.count)
        let widths = hasSkip ? "\n  \"expert_widths\": \(full + [0])," : ""
        let ends =
            c.endTokens.count == 1 ? "\(c.endTokens[0])" : c.endTokens.isEmpty ? "null" : "\(c.endTokens)"
        return """
            {
              "architectures": ["MixtralForCausalLM"],
              "model_type": "mixtral",
              "bos_token_id": \(c.beginToken.map { "\($0)" } ?? "null"),
              "eos_token_id": \(ends),
              "dtype": "\(element == .half ? "float16" : "float32")",
              "head_dim": \(c.headDimension),
              "hidden_act": "silu",
              "hidden_size": \(c.hiddenSize),
              "intermediate_size": \(c.intermediateSize),
              "max_position_embeddings": \(c.contextLength),
              "num_attention_heads": \(c.headCount),
              "num_experts_per_tok": \(topK),
              "num_hidden_layers": \(c.layerCount),
              "num_key_value_heads": \(c.keyValueHeadCount),
              "num_local_experts": \(expertCount),\(widths)
              "rms_norm_eps": \(c.rmsNormEpsilon),
              "rope_parameters": {"rope_type": "default", "rope_theta": \(c.ropeTheta)},
              "sliding_window": null,
              "tie_word_embeddings": \(c.tiedEmbeddings),
              "vocab_size": \(c.vocabularySize)
            }

            """
    }
}
