/// The numbers of a run. Everything that decides the bits of its result is here or in the data, the trunk and the parameters' plan.
package struct Recipe: Sendable, Equatable, Codable {
    package var steps: Int
    /// Blocks of one micro-batch, and micro-batches of one step.
    package var blocks: Int
    package var accumulate: Int
    /// Tokens in a block.
    package var blockTokens: Int
    package var learningRate: Double
    /// The share of the steps in which the rate rises to `learningRate`; it stays there.
    package var warmUp: Double
    /// The gradient is shortened to this length; 0: never.
    package var clip: Double
    package var weightDecay: Double
    package var seed: UInt64
    /// Parts of a micro-batch that are computed side by side and added in order.
    package var shards: Int

    package init(
        steps: Int, blocks: Int = 8, accumulate: Int = 1, blockTokens: Int = 128, learningRate: Double,
        warmUp: Double = 0.06, clip: Double = 1, weightDecay: Double = 0, seed: UInt64 = 42, shards: Int = 2
    ) {
        self.steps = steps
        self.blocks = blocks
        self.accumulate = accumulate
        self.blockTokens = blockTokens
        self.learningRate = learningRate
        self.warmUp = warmUp
        self.clip = clip
        self.weightDecay = weightDecay
        self.seed = seed
        self.shards = max(1, min(shards, blocks))
    }

    /// η_t of step t, counted from 0: η · min(1, (t + 1) / (steps · warm-up)).
    package func learningRate(at step: Int) -> Double {
        let rising = (Double(steps) * warmUp).rounded(.up)
        return rising < 1 ? learningRate : learningRate * min(1, Double(step + 1) / rising)
    }
}
