import ArgumentParser
import Foundation
import Learning

/// What every training run can be told; numbers that are not given are the command's own.
struct RunOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The trunk: a .gguf file, or a folder in Hugging Face's layout.", valueName: "file"))
    var trunk: String
    @Option(parsing: .unconditional, help: "Steps of the optimiser.") var steps: Int?
    @Option(parsing: .unconditional, help: "Blocks of one micro-batch.") var batch = 8
    @Option(parsing: .unconditional, help: "Micro-batches of one step.") var accumulate = 1
    @Option(parsing: .unconditional, help: "Tokens of a block.") var block: Int?
    @Option(name: .customLong("learning-rate"), parsing: .unconditional, help: "AdamW's rate after the warm-up.")
    var learningRate: Double?
    @Option(
        name: .customLong("warm-up"), parsing: .unconditional, help: "The share of the steps in which the rate rises.")
    var warmUp = 0.06
    @Option(help: "What the rate does after the warm-up: constant, or cosine (it sinks to a twentieth).")
    var schedule = Recipe.Schedule.constant
    @Option(parsing: .unconditional, help: "The gradient's length is clipped to this; 0: never.") var clip = 1.0
    @Option(name: .customLong("weight-decay"), parsing: .unconditional, help: "AdamW's weight decay.")
    var weightDecay = 0.0
    @Option(parsing: .unconditional, help: "Decides the start and the order of the data.") var seed: UInt64 = 42
    @Option(
        name: .customLong("held-share"), parsing: .unconditional,
        help: "Held out to measure on, where lines name no split; 0: nothing.")
    var heldShare = 0.05
    @Option(
        name: .customLong("held-tokens"), parsing: .unconditional, help: "Measure on at most so many held-out tokens.")
    var heldTokens = 8192
    @Option(name: .customLong("save-every"), parsing: .unconditional, help: "Steps between two checkpoints.")
    var saveEvery = 10
    @Option(
        parsing: .unconditional,
        help: "Parts of a batch computed side by side, one thread each; decides the bits (default: the cores).")
    var shards: Int?
    @Option(
        name: .customLong("trace-mib"), parsing: .unconditional,
        help: "Memory for what the way back needs, in MiB; with less, layers are computed twice.")
    var traceMiB = 1024
    @Flag(help: "Go on with an interrupted run.") var resume = false
    @Flag(help: "Throw an interrupted run away.") var restart = false
    @Flag(help: "Print JSON lines: one per step, and one for the result.") var json = false

    func validate() throws {
        let whole: [(String, Int, ClosedRange<Int>)] = [
            ("steps", steps ?? 1, 1...1_000_000), ("batch", batch, 1...1024), ("accumulate", accumulate, 1...1024),
            ("block", block ?? 2, 2...1_000_000), ("held-tokens", heldTokens, 2...100_000_000),
            ("save-every", saveEvery, 1...1_000_000), ("shards", shards ?? 1, 1...256),
            ("trace-mib", traceMiB, 0...1_000_000),
        ]
        for (name, value, range) in whole where !range.contains(value) {
            throw ValidationError("--\(name) is \(value); it must be \(range.lowerBound) ... \(range.upperBound)")
        }
        let real: [(String, Double, ClosedRange<Double>)] = [
            ("learning-rate", learningRate ?? 1, 1e-9...10), ("warm-up", warmUp, 0...1), ("clip", clip, 0...1e9),
            ("weight-decay", weightDecay, 0...1), ("held-share", heldShare, 0...0.9),
        ]
        for (name, value, range) in real where !range.contains(value) {
            throw ValidationError("--\(name) is \(value); it must be \(range.lowerBound) ... \(range.upperBound)")
        }
        if resume, restart { throw ValidationError("--resume and --restart exclude each other") }
    }

    func recipe(steps: Int, rate: Double, rowRate: Double? = nil, block: Int) -> Recipe {
        Recipe(
            steps: self.steps ?? steps, blocks: batch, accumulate: accumulate, blockTokens: self.block ?? block,
            learningRate: learningRate ?? rate, rowRate: rowRate, warmUp: warmUp, schedule: schedule, clip: clip,
            weightDecay: weightDecay, seed: seed,
            shards: shards ?? ProcessInfo.processInfo.activeProcessorCount)
    }
}

extension Recipe.Schedule: ExpressibleByArgument {}

/// What becomes of the result where a cluster runs.
struct PublishOptions: ParsableArguments {
    @Flag(help: "Give the result to a running cluster.") var publish = false
    @Flag(help: "With --publish: not into the set yet; answers are rehearsed with it.") var shadow = false
    @OptionGroup var cluster: ClusterOptions

    func validate() throws {
        if shadow, !publish { throw ValidationError("--shadow needs --publish") }
    }
}
