import Kernels
import Synchronization
import Weights

/// How a batch is computed: what decides the bits and the memory of a step.
package struct PassPlan: Sendable, Equatable {
    /// Parts of a batch that run side by side, each on one thread. Their gradients are added in order, so that the result depends on
    /// this number but not on the machine's cores.
    package var shards: Int
    /// Blocks and tokens per block at most.
    package var blocksMax: Int
    package var blockTokensMax: Int
    /// For traces of layers beyond the checkpoints; whole layers are kept as far as this goes, the others computed twice.
    package var traceBytesMax: Int

    package init(shards: Int, blocksMax: Int, blockTokensMax: Int, traceBytesMax: Int = 1 << 30) {
        self.shards = max(1, min(shards, blocksMax))
        self.blocksMax = blocksMax
        self.blockTokensMax = blockTokensMax
        self.traceBytesMax = traceBytesMax
    }
}

/// Loss and gradient of a batch of blocks: shards of whole blocks, one thread each.
package final class BatchPass {
    package let parameters: Parameters
    package let plan: PassPlan
    package let keptLayers: Int
    private let shards: [ShardPass]
    private let team: ComputeTeam

    package init(_ trunk: FrozenTrunk, _ parameters: Parameters, _ plan: PassPlan) {
        let blocks = (plan.blocksMax + plan.shards - 1) / plan.shards
        let rows = blocks * plan.blockTokensMax
        let bytes = ShardPass.bytesPerRow(trunk.configuration, parameters)
        let layer = max(1, bytes.kept * rows * plan.shards)
        keptLayers = min(trunk.configuration.layerCount - parameters.lowestReached, plan.traceBytesMax / layer)
        self.parameters = parameters
        self.plan = plan
        let kept = keptLayers
        shards = (0..<plan.shards).map { _ in
            ShardPass(trunk, parameters, rowsMax: rows, blockMax: plan.blockTokensMax, keptLayers: kept)
        }
        team = ComputeTeam(threads: plan.shards)
    }

    /// The bound on what a pass holds besides trunk and parameters, in bytes; kept by construction, as all is allocated at first.
    package static func bytesMax(_ configuration: ModelConfiguration, _ parameters: Parameters, _ plan: PassPlan) -> Int
    {
        let rows = (plan.blocksMax + plan.shards - 1) / plan.shards * plan.blockTokensMax
        let perRow = ShardPass.bytesPerRow(configuration, parameters).base
        let head =
            4 * HeadPass.rowsAtOnce * (configuration.vocabularySize + parameters.newRows + 2 * configuration.hiddenSize)
        let square = plan.blockTokensMax * plan.blockTokensMax
        let gathered =
            4
            * GatheredKeys.floats(
                blockMax: plan.blockTokensMax, width: configuration.shape(of: .k).outputs)
        let rank = parameters.pairs.joined().compactMap { $0?.rank }.max() ?? 1
        let scratch = FloatProduct.scratchBytes(
            depthMax: max(configuration.vocabularySize, configuration.intermediateSize, rows),
            turnedMax: max(square, rank * rows, HeadPass.rowsAtOnce * parameters.newRows))
        let turned = 4 * rank * (Site.allCases.map { configuration.shape(of: $0).outputs }.max() ?? 1)
        return plan.shards
            * (rows * perRow + head + 8 * square + gathered + scratch + turned + 4 * parameters.trainedCount + 64 * rows)
            + plan.traceBytesMax
    }

    /// Σ of the loss over all targets of `blocks`, in nats; the gradient of Σ loss · `weight` is added to what is there.
    package func run(_ blocks: [TrainingBlock], weight: Float?) -> Double {
        precondition(blocks.count <= plan.blocksMax, "\(blocks.count) blocks, at most \(plan.blocksMax)")
        let losses = Mutex([Double](repeating: 0, count: shards.count))
        // A part touches only its own shard.
        nonisolated(unsafe) let shards = shards
        let per = (plan.blocksMax + shards.count - 1) / shards.count
        team.run(parts: shards.count) { part in
            let mine = Array(blocks.dropFirst(part * per).prefix(per))
            let loss = shards[part].run(mine, weight: weight)
            losses.withLock { $0[part] = loss }
        }
        return losses.withLock { $0.reduce(0, +) }
    }

    /// The new rows' logits where the block's first target is predicted.
    func newRowLogits(_ block: TrainingBlock) -> [Float] { shards[0].newRowLogits(block) }

    package func clearGradient() { for shard in shards { shard.gradient.view.clear() } }

    /// The shards' gradients added up in their order, into the first one's; flat, like the trained parameters.
    func gradient() -> FloatRows {
        for shard in shards.dropFirst() {
            shards[0].gradient.view.add(shard.gradient.view)
            shard.gradient.view.clear()
        }
        return shards[0].gradient
    }

    /// The gradient of one trained parameter.
    package func gradient(of entry: Parameter) -> [Float] {
        let all = gradient()
        return Array(UnsafeBufferPointer(start: all.base + entry.offset, count: entry.count))
    }
}
