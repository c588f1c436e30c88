import Gating
import Inference

/// What the tokens of some documents chose, by mixture layer.
final class MixtureInspection {
    struct Layer {
        let layer: Int
        var load: LayerLoad
        var byToken: Specialisation
        var byPosition: Specialisation
        var dropsByRank: [Int]
        var dropsByPosition: [Int]
        /// Of the document at hand.
        var choices: [LayerChoice] = []
    }

    static let positionBuckets = 8

    private(set) var layers: [Layer]
    private(set) var tokens = 0
    let mode: CapacityMode?
    private let experts: Int
    private let topK: Int
    private let indexOfLayer: [Int: Int]
    private var ids: [Int32] = []

    init(_ layers: [Int], experts: Int, topK: Int, _ mode: CapacityMode?) {
        self.experts = experts
        self.topK = topK
        self.mode = mode
        self.layers = layers.map {
            Layer(
                layer: $0, load: LayerLoad(experts: experts), byToken: Specialisation(experts: experts),
                byPosition: Specialisation(experts: experts), dropsByRank: [Int](repeating: 0, count: topK),
                dropsByPosition: [Int](repeating: 0, count: Self.positionBuckets))
        }
        indexOfLayer = Dictionary(uniqueKeysWithValues: layers.enumerated().map { ($0.element, $0.offset) })
    }

    func begin(_ ids: [Int32]) {
        self.ids = ids
        tokens += ids.count
        for index in layers.indices { layers[index].choices.removeAll(keepingCapacity: true) }
    }

    func observe(
        _ origin: RowOrigin, _ layer: Int, _ input: Span<Float>, _ logits: Span<Float>, _ choice: LayerChoice
    ) {
        guard let index = indexOfLayer[layer] else { return }
        layers[index].load.add(choice, logits: logits)
        layers[index].byToken.add(choice.experts, group: ids[Int(origin.position)])
        layers[index].byPosition.add(choice.experts, group: origin.position)
        if mode != nil { layers[index].choices.append(choice) }
    }

    /// The document is whole: what a capacity over it would drop.
    func end() throws(LayerGateError) {
        guard let mode else { return }
        let slots = try mode.slots(tokens: ids.count, experts: experts, topK: topK)
        for index in layers.indices {
            let plan = CapacityPlan(layers[index].choices, experts: experts, slots: slots)
            for (rank, drops) in plan.dropsByRank(topK).enumerated() { layers[index].dropsByRank[rank] += drops }
            let places = plan.dropsByPosition(buckets: Self.positionBuckets, tokens: ids.count)
            for (bucket, drops) in places.enumerated() { layers[index].dropsByPosition[bucket] += drops }
        }
    }

    /// By layer: how alike the other routes the same token ids; nil where too few were seen or the layer is no mixture there.
    func overlaps(with other: MixtureInspection, tokensAbove: Int) throws -> [Double?] {
        guard other.experts == experts else {
            throw CommandFailure.usage("--compare: that model has \(other.experts) experts, this one \(experts)")
        }
        return layers.map { layer in
            other.layers.first { $0.layer == layer.layer }.flatMap {
                layer.byToken.overlap(with: $0.byToken, tokensAbove: tokensAbove)
            }
        }
    }
}
