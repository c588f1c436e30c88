import Inference
import Weights

/// One linear layer: y = W u + b; W: [outputs, inputs].
struct FrozenLinear: Sendable {
    let weight: FrozenMatrix
    let bias: [Float]?
}

/// One decoder layer; `linears` by `Site.rawValue`.
struct FrozenLayer: Sendable {
    let attentionNorm: [Float]
    let feedForwardNorm: [Float]
    let linears: [FrozenLinear]

    subscript(site: Site) -> FrozenLinear { linears[site.rawValue] }
}

/// A Llama-family model in f32 that nothing here changes. Rows of q and k stand in Hugging Face's order, as adapters want them.
package final class FrozenTrunk: Sendable {
    package let configuration: ModelConfiguration
    /// [vocabulary, hidden]
    let embedding: FrozenMatrix
    /// [vocabulary, hidden]; the embedding where they are tied.
    let head: FrozenMatrix
    let layers: [FrozenLayer]
    let norm: [Float]
    /// Of `positions` positions.
    let rotary: RotaryTable
    package let positions: Int

    /// - Parameter positions: the longest block that will be trained on; at most the model's context.
    package init(_ checkpoint: Checkpoint, positions: Int) throws(WeightsError) {
        let configuration = checkpoint.configuration
        precondition((1...configuration.contextLength).contains(positions), "\(positions) positions")
        embedding = try Self.matrix("model.embed_tokens.weight", checkpoint)
        head = configuration.tiedEmbeddings ? embedding : try Self.matrix("lm_head.weight", checkpoint)
        var layers: [FrozenLayer] = []
        for index in 0..<configuration.layerCount { layers.append(try FrozenLayer(index, checkpoint)) }
        self.layers = layers
        norm = try checkpoint.tensor("model.norm.weight").floats()
        rotary = RotaryTable(configuration, positions: positions)
        self.configuration = configuration
        self.positions = positions
    }

    /// Refuses what this target has no backward pass for.
    package static func check(_ configuration: ModelConfiguration, file: String) throws(LearningError) {
        let usual = 1 / Float(configuration.headDimension).squareRoot()
        let what: String? =
            if configuration.mixture != nil { "a mixture of experts" } else if configuration.queryKeyNorm != .none {
                "norms of queries and keys"
            } else if configuration.projectionClip != nil {
                "clamped projections"
            } else if configuration.activation != .silu {
                "a doubled gate"
            } else if abs(configuration.attentionScale - usual) > 1e-6 * usual { "another scale of attention" } else {
                nil
            }
        guard let what else { return }
        throw LearningError(.mismatch, file, "has \(what); training is for dense models like Llama, Mistral and Qwen2")
    }

    static func matrix(_ name: String, _ checkpoint: Checkpoint) throws(WeightsError) -> FrozenMatrix {
        FrozenMatrix(try checkpoint.tensor(name))
    }
}

extension FrozenLayer {
    fileprivate init(_ index: Int, _ checkpoint: Checkpoint) throws(WeightsError) {
        let prefix = "model.layers.\(index)"
        attentionNorm = try checkpoint.tensor("\(prefix).input_layernorm.weight").floats()
        feedForwardNorm = try checkpoint.tensor("\(prefix).post_attention_layernorm.weight").floats()
        var linears: [FrozenLinear] = []
        for site in Site.allCases {
            let path = site.path(layer: index)
            let bias = checkpoint.contains("\(path).bias") ? try checkpoint.tensor("\(path).bias").floats() : nil
            linears.append(
                FrozenLinear(weight: try FrozenTrunk.matrix("\(path).weight", checkpoint), bias: bias))
        }
        self.linears = linears
    }
}

extension ModelConfiguration {
    /// (outputs, inputs) of a site.
    func shape(of site: Site) -> (outputs: Int, inputs: Int) {
        let (queries, keys) = (headCount * headDimension, keyValueHeadCount * headDimension)
        return switch site {
        case .q: (queries, hiddenSize)
        case .k, .v: (keys, hiddenSize)
        case .o: (hiddenSize, queries)
        case .gate, .up: (intermediateSize, hiddenSize)
        case .down: (hiddenSize, intermediateSize)
        }
    }
}
