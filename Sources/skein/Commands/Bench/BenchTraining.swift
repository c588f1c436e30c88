import ArgumentParser
import Foundation

struct BenchTraining: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "training", abstract: "Steps of LoRA training, beside torch if asked for.",
        discussion: """
            A step is forward, backward and AdamW on one batch, a pair at every linear layer. With --against torch takes its turns, in f32 \
            and, with --bf16, under bf16 autocast, each in a process of its own, on the same batch and weights. Memory is each process's peak.
            """)

    @Option(help: ArgumentHelp("The trunk: a .gguf file.", valueName: "file"))
    var trunk = "models/SmolLM2-135M-Instruct.Q4_1.gguf"
    @Option(help: "Blocks of the batch.") var batch = 8
    @Option(help: "Tokens of a block.") var block = 128
    @Option(help: "r of every pair.") var rank = 8
    @Option(
        name: .customLong("trace-mib"), help: "As for `skein train`: memory for what the way back needs, in MiB.")
    var traceMiB = 1024
    @OptionGroup var threads: ThreadsOption
    @OptionGroup var rounds: RoundsOption
    @Option(help: ArgumentHelp("A python with torch, transformers and peft.", valueName: "python"))
    var against: String?
    @Flag(
        help:
            "With --against: torch under bf16 autocast too; without AVX512-BF16 or AMX a step of it takes minutes.")
    var bf16 = false
    @Flag(help: "Print one JSON object.") var json = false

    func validate() throws {
        if bf16, against == nil { throw ValidationError("--bf16 is a way of torch's: it needs --against") }
        let numbers = [
            ("batch", batch, 1...1024), ("block", block, 2...8192), ("rank", rank, 1...1024),
            ("trace-mib", traceMiB, 0...1_000_000),
        ]
        for (name, value, range) in numbers where !range.contains(value) {
            throw ValidationError("--\(name) is \(value); it must be \(range.lowerBound) ... \(range.upperBound)")
        }
    }

    func run() throws {
        var report = BenchReport()
        report.training = try TrainingSpeedTrial(self).run()
        try report.show(json: json)
    }
}
