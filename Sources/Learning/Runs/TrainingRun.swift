/// What one step has done.
package struct StepReport: Sendable, Equatable {
    /// Counted from 1.
    package let step: Int
    /// Mean over the step's targets, by their weights, in nats, before the update.
    package let loss: Double
    /// ‖g‖ before clipping.
    package let gradientNorm: Double
    package let learningRate: Double
    package let tokens: Int
}

/// Steps of AdamW over a training set, one after the other; between two of them it can be saved, and another run go on from there to the
/// same bits.
package final class TrainingRun {
    package let recipe: Recipe
    package let set: TrainingSet
    package let parameters: Parameters
    /// Steps done.
    package private(set) var step = 0
    let optimiser: AdamW
    private let pass: BatchPass
    private var order: DataOrder
    /// Places of the trained parameters whose gradient is taken for zero: they stay bit for bit.
    private let fixed: [Range<Int>]

    /// - Parameter traceBytesMax: see `PassPlan`; it decides memory and time, never bits.
    package init(
        _ trunk: FrozenTrunk, _ parameters: Parameters, _ set: TrainingSet, _ recipe: Recipe, fixed: [Range<Int>] = [],
        traceBytesMax: Int
    ) {
        precondition(fixed.isEmpty || recipe.weightDecay == 0, "decay would move what is fixed")
        precondition(fixed.allSatisfy { $0.upperBound <= parameters.trainedCount }, "\(fixed) are not trained")
        self.recipe = recipe
        self.set = set
        self.parameters = parameters
        self.fixed = fixed
        optimiser = AdamW(count: parameters.trainedCount)
        order = DataOrder(count: set.train.count, seed: recipe.seed)
        pass = BatchPass(
            trunk, parameters,
            PassPlan(
                shards: recipe.shards, blocksMax: recipe.blocks, blockTokensMax: recipe.blockTokens,
                traceBytesMax: traceBytesMax))
    }

    package var isDone: Bool { step >= recipe.steps }

    /// - Throws: `notFinite`, before anything is changed.
    package func advance() throws(LearningError) -> StepReport {
        precondition(!isDone, "\(step) of \(recipe.steps) steps are done")
        let batches = batches()
        let targets = batches.joined().reduce(0) { $0 + $1.targetWeight }
        pass.clearGradient()
        var loss = 0.0
        for batch in batches { loss += pass.run(batch, weight: targets > 0 ? Float(1 / targets) : 0) }
        let gradient = pass.gradient()
        for range in fixed { (gradient.base + range.lowerBound).update(repeating: 0, count: range.count) }
        let count = parameters.trainedCount
        let norm = AdamW.norm(gradient.base, count: count)
        guard loss.isFinite, norm.isFinite else { throw notFinite(loss, norm) }
        let rate = recipe.learningRate(at: step)
        let isLong = recipe.clip > 0 && norm > recipe.clip
        for (places, rate) in rates(at: step) {
            optimiser.update(
                parameters.values.base, gradient.base, places, step: step, rate: rate, weightDecay: recipe.weightDecay,
                factor: isLong ? Float(recipe.clip / (norm + 1e-6)) : 1)
        }
        step += 1
        return StepReport(
            step: step, loss: targets > 0 ? loss / targets : 0, gradientNorm: norm, learningRate: rate,
            tokens: batches.joined().reduce(0) { $0 + $1.tokens.count })
    }

    /// Mean loss over the held-out targets, in nats; nil where nothing is held out.
    package func heldLoss(progress: (Double) -> Void = { _ in }) throws(LearningError) -> Double? {
        guard set.heldTargetWeight > 0 else { return nil }
        var loss = 0.0
        for start in stride(from: 0, to: set.held.count, by: recipe.blocks) {
            loss += pass.run(Array(set.held[start..<min(start + recipe.blocks, set.held.count)]), weight: nil)
            progress(Double(min(start + recipe.blocks, set.held.count)) / Double(set.held.count))
        }
        guard loss.isFinite else {
            throw LearningError(
                .notFinite, "held-out text after step \(step)", "the loss is \(loss); lower --learning-rate")
        }
        return loss / set.heldTargetWeight
    }

    /// The logits of the new rows where each block's first target is predicted: what a master's choice is made of.
    package func newRowLogits(_ blocks: [TrainingBlock]) -> [[Float]] {
        blocks.map { pass.newRowLogits($0) }
    }

    /// The trained parameters and the rate of each: new rows may have their own.
    private func rates(at step: Int) -> [(Range<Int>, Double)] {
        let rows = recipe.rowRate == nil ? 0 : parameters.trainedRowPlaces
        return [
            (0..<rows, (recipe.rowRate ?? 0) * recipe.share(at: step)),
            (rows..<parameters.trainedCount, recipe.learningRate(at: step)),
        ].filter { !$0.0.isEmpty }
    }

    func resume(at step: Int) { self.step = step }

    private func batches() -> [[TrainingBlock]] {
        let first = step * recipe.accumulate * recipe.blocks
        return (0..<recipe.accumulate).map { batch in
            (0..<recipe.blocks).map { set.train[order.index(at: first + batch * recipe.blocks + $0)] }
        }
    }

    private func notFinite(_ loss: Double, _ norm: Double) -> LearningError {
        let first = step * recipe.accumulate * recipe.blocks
        let blocks = (0..<recipe.accumulate * recipe.blocks).map { "\(order.index(at: first + $0))" }
        return LearningError(
            .notFinite, "step \(step + 1)",
            "the loss is \(loss), the gradient's length \(norm), on the blocks \(blocks.joined(separator: ", ")); nothing was changed, and the "
                + "last checkpoint stays: lower --learning-rate or look at the data, then go on with --resume")
    }
}
