import Gating
import Weights

/// What the mixture layers of one engine chose and dropped since it began. Memory is a bound by layers and experts, not by tokens.
package struct MixtureCounts: Sendable, Equatable {
    package struct Layer: Sendable, Equatable {
        /// Of the transformer, from 0.
        package let layer: Int
        package fileprivate(set) var load: LayerLoad
        package fileprivate(set) var drops: DropTally
        /// Weights that an expert multiplies a row with, [E]; 0 for one that computes nothing.
        package let costs: [Int]

        /// Weights of the experts that a token chose, on average, whether or not a capacity dropped it; nil without tokens.
        package var costPerToken: Double? {
            guard load.tokens > 0 else { return nil }
            let computed = zip(load.rows, costs).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
            return computed / Double(load.tokens)
        }
    }

    package private(set) var layers: [Layer]
    private let indexOfLayer: [Int: Int]

    init(_ model: LanguageModel, topK: Int) {
        layers = model.layers.compactMap(\.mixture).map { mixture in
            Layer(
                layer: mixture.layer, load: LayerLoad(experts: mixture.experts.count),
                drops: DropTally(topK: topK),
                costs: mixture.costs)
        }
        indexOfLayer = Dictionary(uniqueKeysWithValues: layers.enumerated().map { ($1.layer, $0) })
    }

    /// What was counted since the last time; counting begins anew.
    mutating func take() -> MixtureCounts {
        defer {
            for index in layers.indices {
                layers[index].load = LayerLoad(experts: layers[index].load.expertCount)
                layers[index].drops = DropTally(topK: layers[index].drops.byRank.count)
            }
        }
        return self
    }

    mutating func add(_ choice: LayerChoice, logits: Span<Float>, layer: Int) {
        guard let index = indexOfLayer[layer] else { return }
        layers[index].load.add(choice, logits: logits)
    }

    mutating func add(_ plan: CapacityPlan, tokens: Int, layer: Int) {
        guard let index = indexOfLayer[layer] else { return }
        layers[index].drops.add(plan, tokens: tokens)
    }
}
