import Kernels
import Weights

/// Forward and backward through the whole model for the blocks of one shard, on one thread, with memory of its own.
///
/// Checkpoints: the input of every layer that the gradient reaches is kept; the traces of the last `keptLayers` layers are kept too, the
/// others are computed a second time on the way back. Below the lowest layer reached nothing is kept and nothing computed twice.
final class ShardPass {
    let trunk: FrozenTrunk
    let parameters: Parameters
    let rowsMax: Int
    /// Flat, like the trained parameters: what `run` adds to.
    let gradient: FloatRows
    private let layers: LayerPass
    private let head: HeadPass
    /// The input of layer i, and last the output of all; below the lowest layer reached two matrices take turns.
    private let checkpoints: [FloatRows]
    private let lowest: Int
    private let kept: [LayerTrace?]
    private let scratch: LayerTrace
    private let normed, below: FloatRows

    init(_ trunk: FrozenTrunk, _ parameters: Parameters, rowsMax: Int, blockMax: Int, keptLayers: Int) {
        let configuration = trunk.configuration
        let context = ComputeContext(team: ComputeTeam(threads: 1))
        let (width, count) = (configuration.hiddenSize, configuration.layerCount)
        self.trunk = trunk
        self.parameters = parameters
        self.rowsMax = rowsMax
        gradient = FloatRows(1, max(parameters.trainedCount, 1))
        layers = LayerPass(trunk, parameters, rowsMax: rowsMax, blockMax: blockMax, context)
        head = HeadPass(
            trunk: trunk, parameters: parameters, context: context,
            logits: FloatRows(HeadPass.rowsAtOnce, configuration.vocabularySize + parameters.newRows),
            inputs: FloatRows(HeadPass.rowsAtOnce, width), below: FloatRows(HeadPass.rowsAtOnce, width))
        let lowest = parameters.lowestReached
        let passed = (0..<min(lowest, 2)).map { _ in FloatRows(rowsMax, width) }
        checkpoints = (0...count).map { $0 < lowest ? passed[$0 % 2] : FloatRows(rowsMax, width) }
        kept = (0..<count).map { layer in
            layer >= max(lowest, count - keptLayers)
                ? LayerTrace(trunk, pairs: parameters.pairs[layer], rowsMax: rowsMax) : nil
        }
        scratch = LayerTrace(trunk, pairs: parameters.widestPairs, rowsMax: rowsMax)
        self.lowest = lowest
        (normed, below) = (FloatRows(rowsMax, width), FloatRows(rowsMax, width))
    }

    /// Bytes that `init` allocates per row, and for each kept layer per row.
    static func bytesPerRow(_ configuration: ModelConfiguration, _ parameters: Parameters) -> (base: Int, kept: Int) {
        let trace = LayerTrace.floatsPerRow(configuration, parameters)
        let heads = 2 * (configuration.headCount + configuration.keyValueHeadCount) * configuration.headDimension
        let pass = 4 * configuration.hiddenSize + 3 * configuration.intermediateSize + heads
        let lowest = parameters.lowestReached
        let checkpoints = configuration.layerCount + 1 - lowest + min(lowest, 2)
        return (4 * (trace + pass + configuration.hiddenSize * checkpoints), 4 * trace)
    }

    /// - Parameter weight: of each target in the gradient; nil computes the loss alone.
    /// - Returns: Σ of the loss over the blocks' targets, by their weights, in nats.
    func run(_ blocks: [TrainingBlock], weight: Float?) -> Double {
        let places = ShardRows(blocks)
        guard places.count > 0 else { return 0 }
        passForward(blocks, places, weight)
        let loss = passHead(blocks, places, weight)
        if weight != nil { passBack(blocks, places) }
        return loss
    }

    /// E_new h, [newRows], where the block's first target is predicted.
    func newRowLogits(_ block: TrainingBlock) -> [Float] {
        guard let target = block.firstTarget else { return [] }
        passForward([block], ShardRows([block]), nil)
        let row = checkpoints[trunk.layers.count].first(target).rows(target - 1..<target)
        let h = normed.first(1)
        NormPass.forward(row, trunk.norm, trunk.configuration.rmsNormEpsilon, into: h)
        return (0..<parameters.newRows).map { index in
            Vectors.dot(h.base, parameters.values.base + parameters.headRows + index * h.columns, count: h.columns)
        }
    }

    private func passForward(_ blocks: [TrainingBlock], _ places: ShardRows, _ weight: Float?) {
        let rows = places.count
        precondition(rows <= rowsMax, "\(rows) rows in a shard of \(rowsMax)")
        embed(blocks, places)
        for index in 0..<trunk.layers.count {
            layers.forward(
                checkpoints[index].first(rows), index, places.all, into: checkpoints[index + 1].first(rows),
                trace(index, weight))
        }
    }

    private func trace(_ index: Int, _ weight: Float?) -> LayerTrace {
        weight == nil ? scratch : kept[index] ?? scratch
    }

    private func passHead(_ blocks: [TrainingBlock], _ places: ShardRows, _ weight: Float?) -> Double {
        let rows = places.count
        let (n, dn) = (normed.first(rows), below.first(rows))
        let last = checkpoints[trunk.layers.count].first(rows)
        NormPass.forward(last, trunk.norm, trunk.configuration.rmsNormEpsilon, into: n)
        let targets = zip(blocks, places.segments).flatMap { block, segment in
            block.tokens.indices.filter { block.weights[$0] > 0 }.map {
                HeadPass.Target(
                    row: places.row($0 - 1, of: segment), token: Int(block.tokens[$0]), weight: block.weights[$0])
            }
        }
        if weight != nil { dn.clear() }
        return head.run(n, targets, weight: weight, dh: lowest < trunk.layers.count ? dn : nil, gradient)
    }

    private func passBack(_ blocks: [TrainingBlock], _ places: ShardRows) {
        let (rows, segments) = (places.count, places.all)
        guard lowest < trunk.layers.count else { return }
        let dx = normed.first(rows)
        dx.clear()
        NormPass.backward(
            below.first(rows), checkpoints[trunk.layers.count].first(rows), trunk.norm,
            trunk.configuration.rmsNormEpsilon, addedTo: dx)
        for index in (lowest..<trunk.layers.count).reversed() {
            let x = checkpoints[index].first(rows)
            if kept[index] == nil { layers.forward(x, index, segments, into: nil, scratch) }
            layers.backward(
                dx, x, index, segments, kept[index] ?? scratch, gradient,
                goesOn: index > lowest || parameters.rowsAreReached)
        }
        embeddingBackward(dx, blocks, places)
    }

    /// x_t = E[t]; ids from the vocabulary's size on are the new rows.
    private func embed(_ blocks: [TrainingBlock], _ places: ShardRows) {
        let width = trunk.configuration.hiddenSize
        places.forEachRow(of: blocks) { row, token in
            let new = Int(token) - trunk.embedding.rows
            precondition(token >= 0 && new < parameters.newRows, "token \(token)")
            let target = checkpoints[0].view.row(row)
            guard new >= 0 else { return trunk.embedding.copy(row: Int(token), into: target) }
            target.update(from: parameters.values.base + parameters.embeddingRows + new * width, count: width)
        }
    }

    /// dE[t] += dx_t, for the new rows.
    private func embeddingBackward(_ dx: FloatView, _ blocks: [TrainingBlock], _ places: ShardRows) {
        guard parameters.rowsAreReached else { return }
        let width = trunk.configuration.hiddenSize
        places.forEachRow(of: blocks) { row, token in
            guard Int(token) >= trunk.embedding.rows else { return }
            let place = parameters.embeddingRows + (Int(token) - trunk.embedding.rows) * width
            Vectors.add(dx.row(row), to: gradient.base + place, count: width)
        }
    }
}
