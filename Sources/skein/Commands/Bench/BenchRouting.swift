import ArgumentParser
import Charts
import Foundation
import Inference

struct BenchRouting: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "routing",
        abstract:
            "What it costs that every token finds its experts: beside the trunk alone, by number of experts, beside others.",
        discussion: """
            In one process. `phatgoose` routes over the experts of the folder by their gates. The other rows route over as many copies as \
            they say, with random gates (as the method average, whose arithmetic is the same), so that tokens spread over all of \
            them. With --against the same equations in torch and llama.cpp with two fixed adapters take their turns too.
            """)

    @OptionGroup var modelOptions: ModelOptions
    @Option(name: .customLong("experts"), help: ArgumentHelp("A folder of experts.", valueName: "folder"))
    var store = "experts/smollm2-135m-instruct"
    @Option(name: .customLong("counts"), help: "Numbers of experts, separated by commas.") var counts = "8,16,32,64,128"
    @Option(name: .customLong("prefill"), help: "Tokens of the prompt whose prefill is measured.") var prefillTokens =
        256
    @Option(name: .customLong("decode"), help: "Tokens whose decoding is measured, after a prompt of 16.")
    var decodeTokens = 48
    @OptionGroup var rounds: RoundsOption
    @Option(help: ArgumentHelp("A python with torch, transformers and llama-cpp-python.", valueName: "python"))
    var against: String?
    @Option(
        name: .customLong("load"),
        help: "Also load this many adapters of rank 8 (cut from those in the folder), and time it.")
    var loadCount: Int?
    @Option(help: ArgumentHelp("Write a picture of the cost by number of experts.", valueName: "file")) var svg: String?
    @Flag(help: "Print one JSON object.") var json = false

    var expertCounts: [Int] { counts.split(separator: ",").compactMap { Int($0) } }

    func validate() throws {
        guard !expertCounts.isEmpty, expertCounts.count == counts.split(separator: ",").count,
            expertCounts.allSatisfy({ (2...512).contains($0) })
        else { throw ValidationError("--counts is \(counts); write numbers of 2 ... 512, separated by commas") }
        for (name, value) in [("--prefill", prefillTokens), ("--decode", decodeTokens)] {
            guard (1...4096).contains(value) else {
                throw ValidationError("\(name) is \(value); it must be 1 ... 4096")
            }
        }
        if let loadCount, !(1...1000).contains(loadCount) {
            throw ValidationError("--load is \(loadCount); it must be 1 ... 1000")
        }
    }

    func run() throws {
        var options = modelOptions
        if options.model.isEmpty { options.model = "models/SmolLM2-135M-Instruct.Q4_1.gguf" }
        let model = try options.load()
        var report = BenchReport()
        report.routing = try RoutingSpeedTrial(self, model, at: options.model).run()
        if let loadCount { report.routing?.loading = try AdapterLoading.measure(loadCount, of: store, model) }
        if let svg, let routing = report.routing { try OutputFile.write(routing.picture.text, to: svg) }
        try report.show(json: json)
    }
}
