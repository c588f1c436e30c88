import ArgumentParser
import Charts
import Gating
import Inference
import Tokenization
import Weights

struct InspectMixture: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "moe",
        abstract: "Shows which experts of a mixture the tokens of a text choose, layer by layer.",
        discussion: """
            Load of each expert and how even it is (coefficient of variation, max/mean, normalised entropy, balance and z \
            losses), experts that are chosen together, how far experts specialise in token ids, and, with --capacity, what \
            would be dropped. See first that the model writes sense: what a broken model routes says nothing.
            """)

    @OptionGroup var modelOptions: ModelOptions
    @Option(help: ArgumentHelp("Texts, JSON lines of {\"text\"} or {\"messages\"}; repeatable.", valueName: "file"))
    var text: [String]
    @Option(parsing: .unconditional, help: "Documents of each text that are read.") var documents = 64
    @Option(parsing: .unconditional, help: "Tokens of each document that are read.") var length = 512
    @Option(parsing: .unconditional, help: "Pairs of experts and token ids that are listed.") var top = 10
    @Option(
        name: .customLong("seen-more-than"), parsing: .unconditional,
        help: "Token ids seen no oftener are no part of the specialisation.")
    var seenMoreThan = 128
    @Option(
        help: ArgumentHelp(
            "Count what would be dropped: colossal:FACTOR or flaxformer:FACTOR, over each document.", valueName: "mode")
    )
    var capacity: CapacityMode?
    @Option(
        help: ArgumentHelp(
            "Another checkpoint: how alike the two route the same text.", valueName: "folder"))
    var compare: String?
    @Option(help: ArgumentHelp("Write the shares of the load as a heat map (SVG).", valueName: "file")) var plot:
        String?
    @Flag(help: "Print one JSON object.") var json = false

    func validate() throws {
        guard !text.isEmpty else { throw ValidationError("give at least one --text") }
        for (name, value, most) in [("documents", documents, 1_000_000), ("length", length, 1_000_000)]
        where !(2...most).contains(value) && !(name == "documents" && value == 1) {
            throw ValidationError(
                "--\(name) is \(value); it must be at least \(name == "length" ? 2 : 1), at most \(most)")
        }
        guard (0...1000).contains(top) else { throw ValidationError("--top is \(top); it must be 0 ... 1000") }
        guard (0...1_000_000).contains(seenMoreThan) else {
            throw ValidationError("--seen-more-than is \(seenMoreThan); it must be 0 ... 1000000")
        }
    }

    func run() throws {
        let model = try modelOptions.load()
        let found = try inspect(model, capacity)
        let overlaps = try compare.map { folder in
            var options = modelOptions
            options.model = folder
            return try found.overlaps(with: inspect(try options.load(), nil), tokensAbove: seenMoreThan)
        }
        let report = MixtureReport(
            found, model: modelOptions.model, tokenizer: model.text.tokenizer, top: top, seenMoreThan: seenMoreThan,
            overlaps: overlaps)
        if let plot { try OutputFile.write(report.picture.text, to: plot) }
        if json { try JSONOutput.print(report) } else { print(report.text.joined(separator: "\n")) }
    }

    private func inspect(_ model: LoadedModel, _ mode: CapacityMode?) throws -> MixtureInspection {
        guard let mixture = model.weights.configuration.mixture else {
            throw CommandFailure.usage("--model \(modelOptions.model): this model has no mixture layers")
        }
        let texts = try text.map {
            try TextSet(path: $0, split: nil, documentsMax: documents, tokensMax: length, text: model.text)
        }
        let all = texts.flatMap(\.documents)
        let inspection = MixtureInspection(mixture.layers, experts: mixture.expertCount, topK: mixture.topK, mode)
        let progress = ThrottledProgress("reading \(all.count) documents")
        for (index, document) in all.enumerated() {
            inspection.begin(document.ids)
            _ = try model.weights.score(document.ids, team: model.team, observer: inspection.observe)
            try inspection.end()
            progress.show(fraction: Double(index + 1) / Double(all.count))
        }
        Terminal.endProgress()
        return inspection
    }
}
