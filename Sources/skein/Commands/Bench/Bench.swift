import ArgumentParser
import Foundation
import Kernels

struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measures how fast this machine and this program are.",
        discussion: """
            Without a subcommand: engine, kernels and wire, one after another. Figures are medians; nothing here passes or \
            fails. Let nothing else run meanwhile.
            """,
        subcommands: [
            BenchAll.self, BenchEngine.self, BenchKernels.self, BenchWire.self, BenchCluster.self, BenchExperts.self,
            BenchRouting.self, BenchTraining.self, BenchGraph.self,
        ],
        defaultSubcommand: BenchAll.self)
}

struct BenchAll: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "all", abstract: "Engine, kernels and wire, one after another.")

    @OptionGroup var engine: EngineTrialOptions
    @OptionGroup var kernels: KernelTrialOptions
    @OptionGroup var wire: WireTrialOptions
    @Flag(help: "Print one JSON object.") var json = false

    func run() throws {
        var report = BenchReport()
        report.engine = try EngineTrial(engine).run()
        report.kernels = try kernels.run(threads: engine.threads)
        report.wire = try wire.run()
        try report.show(json: json)
    }
}

struct BenchEngine: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "engine", abstract: "Prefill and decode of one stream, beside llama.cpp if asked for.",
        discussion: """
            With --against the contestants take turns within each round, and ratios are taken round by round. The peer's \
            files are the model itself and what the peer makes of it in F32 and Q8_0, in a temporary folder.
            """)

    @OptionGroup var engine: EngineTrialOptions
    @Flag(help: "Print one JSON object.") var json = false

    func run() throws {
        var report = BenchReport()
        report.engine = try EngineTrial(engine).run()
        try report.show(json: json)
    }
}

struct BenchKernels: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kernels", abstract: "Matrix products and attention, by shape and format.")

    @OptionGroup var kernels: KernelTrialOptions
    @OptionGroup var threads: ThreadsOption
    @Flag(help: "Print one JSON object.") var json = false

    func run() throws {
        var report = BenchReport()
        report.kernels = try kernels.run(threads: threads.count)
        try report.show(json: json)
    }
}

struct BenchWire: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wire", abstract: "Echo of one message between two sockets, by transport and size.")

    @OptionGroup var wire: WireTrialOptions
    @Flag(help: "Print one JSON object.") var json = false

    func run() throws {
        var report = BenchReport()
        report.wire = try wire.run()
        try report.show(json: json)
    }
}

/// Threads that compute, where no model is loaded.
struct ThreadsOption: ParsableArguments {
    @Option(name: .customLong("threads"), help: "Threads that compute (default: the machine's cores, at most 16).")
    var given: Int?

    var count: Int {
        given ?? max(1, min(ProcessInfo.processInfo.activeProcessorCount, ModelOptions.defaultThreadsMax))
    }

    func validate() throws {
        if let given, !(1...ModelOptions.threadsMax).contains(given) {
            throw ValidationError("--threads is \(given); it must be 1 ... \(ModelOptions.threadsMax)")
        }
    }
}

/// How often each contestant is measured.
struct RoundsOption: ParsableArguments {
    @Option(name: .customLong("rounds"), help: "Rounds in which each contestant has one turn, after one to warm up.")
    var count = 7

    static let countMax = 10_000

    func validate() throws {
        guard (1...Self.countMax).contains(count) else {
            throw ValidationError("--rounds is \(count); it must be 1 ... \(Self.countMax)")
        }
    }
}
