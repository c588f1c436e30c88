import Gating
import Inference

/// What a prompt's and its answer's tokens chose at mixture layers, and what a capacity dropped (P3).
struct MixtureJSON: Encodable {
    struct Layer: Encodable {
        let layer: Int
        /// Tokens that chose each expert.
        let rows: [Int]
        /// Weights of the chosen experts, on average.
        let weightsPerToken: Double?
        /// Only with a capacity: choices of the prompt, and those without a slot, by rank and by eighth of the prompt.
        let choices: Int?
        let droppedByRank, droppedByPosition: [Int]?
    }

    let capacity: String
    let layers: [Layer]

    init?(_ counts: MixtureCounts?, _ capacity: CapacityMode) {
        guard let counts else { return nil }
        self.capacity = capacity.description
        layers = counts.layers.map { layer in
            let drops = capacity == .dropless ? nil : layer.drops
            return Layer(
                layer: layer.layer, rows: layer.load.rows, weightsPerToken: layer.costPerToken,
                choices: drops?.choices, droppedByRank: drops?.byRank, droppedByPosition: drops?.byPosition)
        }
    }

    var dropped: Int { layers.reduce(0) { $0 + ($1.droppedByRank ?? []).reduce(0, +) } }
    var choices: Int { layers.reduce(0) { $0 + ($1.choices ?? 0) } }
}
