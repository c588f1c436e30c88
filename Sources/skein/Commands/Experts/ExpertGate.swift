import ArgumentParser
import ExpertStore
import Foundation
import Inference
import Tokenization
import Weights

struct ExpertGate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gate", abstract: "Makes an expert's gates from a few prompts, without training.",
        discussion: """
            For adapters whose training data is gone. At every site v is the mean of the standardised input over the prompts' tokens, minus \
            that over general text; both are read by the trunk alone. `skein train gate` learns better ones where there is data.
            """)

    @Argument(help: "The expert's folder.") var folder: String
    @OptionGroup var modelOptions: ModelOptions
    @Option(
        name: .customLong("from-prompts"),
        help: ArgumentHelp(
            "Texts that the expert is for: .jsonl of {\"text\"} or {\"messages\"}, or one prompt a line.",
            valueName: "file"))
    var prompts: String
    @Option(help: ArgumentHelp("General text to tell them from, likewise; repeatable.", valueName: "file"))
    var general: [String]
    @Option(help: "Use these lines of the texts, where lines name a split.") var split = "train"
    @Option(parsing: .unconditional, help: "Prompts and general texts that are read, of each file.") var documents = 32
    @Option(parsing: .unconditional, help: "Tokens of each that are read.") var length = 256
    @Flag(help: "Put the new gates in the place of those that are there.") var replace = false
    @Flag(help: "Print one JSON object.") var json = false

    func validate() throws {
        guard (1...10_000).contains(documents) else {
            throw ValidationError("--documents is \(documents); it must be 1 ... 10000")
        }
        guard (2...1_000_000).contains(length) else {
            throw ValidationError("--length is \(length); it must be 2 ... 1000000")
        }
        guard !general.isEmpty else { throw ValidationError("give at least one --general text") }
    }

    private struct Output: Encodable {
        let folder: String
        let sites, promptTokens, generalTokens: Int
    }

    func run() throws {
        let sidecar = try GateSidecar(folder: folder, replaces: replace)
        let model = try modelOptions.load()
        try sidecar.adapter.check(against: model.weights.configuration)
        let maker = PromptGates(model: model)
        let own = try maker.means(of: ids(in: prompts, model))
        let other = try maker.means(of: general.flatMap { try ids(in: $0, model) })
        let gates = maker.gates(own, minus: other, for: sidecar.adapter)
        try sidecar.write(
            gates,
            GateOrigin(method: "prompts", label: URL(filePath: prompts).deletingPathExtension().lastPathComponent))
        if json {
            return try JSONOutput.print(
                Output(folder: folder, sites: gates.count, promptTokens: own.tokens, generalTokens: other.tokens))
        }
        print("gates of \(gates.count) sites, from \(own.tokens) tokens of prompts and \(other.tokens) of general text")
    }

    private func ids(in file: String, _ model: LoadedModel) throws -> [[Int32]] {
        let longest = min(length, model.weights.configuration.contextLength)
        if file.hasSuffix(".jsonl") {
            return try TextSet(
                path: file, split: split, documentsMax: documents, tokensMax: longest, text: model.text
            ).documents.map(\.ids)
        }
        let lines = String(decoding: try InputFile.bytes(file), as: UTF8.self).split(separator: "\n")
        let texts = lines.filter { !$0.allSatisfy(\.isWhitespace) }.prefix(documents).map {
            Array(model.text.encode(raw: String($0), parseSpecial: false).prefix(longest))
        }.filter { $0.count > 1 }
        guard !texts.isEmpty else { throw CommandFailure.usage("\(file): no prompt of at least two tokens") }
        return texts
    }
}
