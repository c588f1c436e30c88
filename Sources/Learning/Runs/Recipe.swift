import Foundation

/// The numbers of a run. Everything that decides the bits of its result is here or in the data, the trunk and the parameters' plan.
package struct Recipe: Sendable, Equatable, Codable {
    package var steps: Int
    /// Blocks of one micro-batch, and micro-batches of one step.
    package var blocks: Int
    package var accumulate: Int
    /// Tokens in a block.
    package var blockTokens: Int
    package var learningRate: Double
    /// That of the new vocabulary rows, nil: the same. They start as a guess and are few, and gain from larger steps than pairs stand.
    package var rowRate: Double?
    /// The share of the steps in which the rate rises to `learningRate`.
    package var warmUp: Double
    /// What it does then.
    package var schedule: Schedule
    /// The gradient is shortened to this length; 0: never.
    package var clip: Double
    package var weightDecay: Double
    package var seed: UInt64
    /// Parts of a micro-batch that are computed side by side and added in order.
    package var shards: Int

    package enum Schedule: String, Sendable, Codable, CaseIterable {
        /// It stays.
        case constant
        /// It sinks along half a cosine to a twentieth: Loshchilov and Hutter, arXiv 1608.03983, without restarts.
        case cosine
    }

    package init(
        steps: Int, blocks: Int = 8, accumulate: Int = 1, blockTokens: Int = 128, learningRate: Double,
        rowRate: Double? = nil, warmUp: Double = 0.06, schedule: Schedule = .constant, clip: Double = 1,
        weightDecay: Double = 0, seed: UInt64 = 42, shards: Int = 2
    ) {
        self.steps = steps
        self.blocks = blocks
        self.accumulate = accumulate
        self.blockTokens = blockTokens
        self.learningRate = learningRate
        self.rowRate = rowRate
        self.warmUp = warmUp
        self.schedule = schedule
        self.clip = clip
        self.weightDecay = weightDecay
        self.seed = seed
        self.shards = max(1, min(shards, blocks))
    }

    /// η_t of step t, counted from 0.
    package func learningRate(at step: Int) -> Double { learningRate * share(at: step) }

    /// η_t / η = min(1, (t + 1) / (steps · warm-up)) · c_t, with c_t = 1 or, for a cosine, 1/20 + 19/40 (1 + cos(π t / steps)).
    package func share(at step: Int) -> Double {
        let rising = (Double(steps) * warmUp).rounded(.up)
        let warm = rising < 1 ? 1 : min(1, Double(step + 1) / rising)
        return switch schedule {
        case .constant: warm
        case .cosine: warm * (0.05 + 0.475 * (1 + cos(.pi * Double(step) / Double(steps))))
        }
    }
}
