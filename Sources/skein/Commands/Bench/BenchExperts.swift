import ArgumentParser
import Foundation

struct BenchExperts: ParsableCommand, WatchesSignals {
    static let configuration = CommandConfiguration(
        commandName: "experts",
        abstract:
            "What it costs that experts live elsewhere: decoding with them beside the trunk, on workers, and cached.",
        discussion: """
            Launches three clusters over ipc, which take turns: all experts beside the trunk; all on two workers; all on two \
            workers and cacheable. Of a model that is a mixture of experts, its own are measured, two clusters: beside the trunk, and on \
            two workers. Everybody's answers must be the same tokens.
            """)

    @Option(help: ArgumentHelp("The trunk, a .gguf file.", valueName: "file"))
    var model = "models/SmolLM2-135M-Instruct.Q4_1.gguf"
    @Option(name: .customLong("experts"), help: ArgumentHelp("A folder of its experts.", valueName: "folder"))
    var store = "experts/smollm2-135m-instruct"
    @Option(help: "exact: f32 arithmetic on the dequantised weights; fast: quantised kernels.")
    var compute = "exact"
    @Option(help: "Threads of the trunk (default: the machine's cores); each of the two workers has half of them.")
    var threads: Int?
    @Option(name: .customLong("max-tokens"), help: "Tokens of each answer.") var maxTokens = 96
    @Option(name: .customLong("streams"), help: "Answers at once, besides one alone.") var streams = 16
    @Option(name: .customLong("cache-megabytes"), help: "The bound of the cacheable experts beside the trunk.")
    var cacheMegabytes = 256
    @Option(
        help: """
            Route over this many experts: copies of those in the folder, each with a scale of its own. A stream then has eight of \
            them to choose from, other ones than its neighbours.
            """)
    var copies: Int?
    @OptionGroup var rounds: RoundsOption
    @Flag(help: "Print one JSON object.") var json = false

    func validate() throws {
        guard (16...2048).contains(maxTokens) else {
            throw ValidationError("--max-tokens is \(maxTokens); it must be 16 ... 2048")
        }
        guard (2...64).contains(streams) else { throw ValidationError("--streams is \(streams); it must be 2 ... 64") }
        guard ["exact", "fast"].contains(compute) else {
            throw ValidationError("--compute is \(compute); it must be exact or fast")
        }
        if let copies, !(8...4096).contains(copies) {
            throw ValidationError("--copies is \(copies); it must be 8 ... 4096")
        }
        if let threads, !(1...ModelOptions.threadsMax).contains(threads) {
            throw ValidationError("--threads is \(threads); it must be 1 ... \(ModelOptions.threadsMax)")
        }
    }

    func run() throws {
        try ModelOptions.requireModel(model)
        let interruption = try Interruption()
        let site = try ExpertsTrialSite(self)
        interruption.onSignal {
            site.remove()
            Interruption.endProcess(.failure)
        }
        defer { site.remove() }
        var report = BenchReport()
        report.experts = try ExpertsTrial(self, site).run()
        try report.show(json: json)
    }
}
