import ArgumentParser
import ExpertStore
import Foundation
import Gating
import Inference
import Tokenization
import Weights

struct ExpertFuse: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fuse",
        abstract: "Writes a trunk and its gated experts as one mixture-of-experts checkpoint in Mixtral's layout.",
        discussion: """
            An approximation: a mixture chooses once per layer, by a router that sees the block's normed input, where PHATGOOSE \
            chooses at every linear layer. Expert e is the trunk's feed-forward with adapter e merged; the router's row is made of \
            the gates at gate and up (Documentation/Evaluation.md has the equation and what is lost). The losses of trunk, \
            merged, PHATGOOSE and the fused model on the held-out lines of the texts are reported at the end.
            """)

    @Argument(help: "Experts with gates: a trunk's folder of experts, or folders of single ones.") var experts: [String]
    @OptionGroup var modelOptions: ModelOptions
    @Option(help: ArgumentHelp("The new checkpoint's folder.", valueName: "folder")) var out: String
    @Option(
        help: ArgumentHelp(
            "Texts, JSON lines of {\"text\"} or {\"messages\"} with a \"split\"; repeatable.", valueName: "file"))
    var text: [String]
    @Option(name: .customLong("top-k"), parsing: .unconditional, help: "Experts per token.") var topK = 2
    @Option(
        help:
            "Attention's weights: base, average (all adapters' mean), or auto: whichever predicts the train lines better."
    )
    var attention = "auto"
    @Option(help: ArgumentHelp("Copy tokenizer files from here instead of writing the model's.", valueName: "folder"))
    var tokenizer: String?
    @Option(help: ArgumentHelp("Write the checkpoint as one GGUF file too; the model must be one.", valueName: "file"))
    var gguf: String?
    @Flag(
        name: .customLong("skip-expert"),
        help:
            "Add an expert that computes nothing, chosen where fewer than --top-k others score above 0.")
    var skipExpert = false
    @Flag(help: "Write F32 instead of F16.") var f32 = false
    @Option(parsing: .unconditional, help: "Documents of each text and split that are read.") var documents = 8
    @Option(parsing: .unconditional, help: "Tokens of each document that are read.") var length = 256
    @Flag(help: "Print one JSON object.") var json = false

    func validate() throws {
        guard attention == "auto" || FusedCheckpoint.Attention(rawValue: attention) != nil else {
            throw ValidationError("--attention is \(attention); use auto, base or average")
        }
        guard (1...10_000).contains(documents) else {
            throw ValidationError("--documents is \(documents); it must be 1 ... 10000")
        }
        guard (2...1_000_000).contains(length) else {
            throw ValidationError("--length is \(length); it must be 2 ... 1000000")
        }
        guard (1...1024).contains(topK) else { throw ValidationError("--top-k is \(topK); it must be 1 ... 1024") }
        guard gguf == nil || modelOptions.model.hasSuffix(".gguf") else {
            throw ValidationError("--gguf needs a --model that is a .gguf file: its tokenizer is taken over")
        }
        guard !text.isEmpty else { throw ValidationError("give at least one --text") }
    }

    func run() throws {
        let model = try modelOptions.load()
        var sources: [ExpertSource] = []
        let set = try ExpertFolders(experts).load(for: model, at: modelOptions.model) {
            sources = $0.sorted { $0.name < $1.name }
            return $0
        }
        guard set.isRoutable(by: .phatgoose) else {
            let without = set.experts.filter { !$0.gateKinds.contains(.gate) }.map(\.name)
            throw CommandFailure.usage(
                "experts without gates: \(without.joined(separator: ", ")); train or import gates first")
        }
        let train = try read("train", model.text)
        let held = try read("held", model.text)
        let checkpoint = try Checkpoint.open(modelOptions.model)
        let fused = try FusedCheckpoint(
            trunk: checkpoint, adapters: sources.map(\.adapter),
            routers: try FusedRouters(model, sources.map(\.adapter), train).rows, topK: topK,
            hasSkip: skipExpert,
            isSingle: f32)
        let progress = ThrottledProgress("writing \(sources.count) experts to \(out)")
        try fused.writeExperts(to: out) { progress.show(fraction: $0) }
        Terminal.endProgress()
        try writeTokenizer()
        let choice = try chooseAttention(fused, train)
        if let gguf { try writeGGUF(gguf) }
        let bank = RoutedExpertBank(set, rowsMax: LanguageModel.scoringChunk, team: model.team)
        let losses = FusedLosses(
            trunk: try Self.losses(held, model, nil, .off),
            merged: try Self.losses(held, model, bank, .merged),
            phatgoose: try Self.losses(held, model, bank, .phatgoose, topK: topK),
            fused: try Self.losses(held, choice.model, nil, .off))
        try show(choice, losses, held, sources.map(\.name))
    }

    private func read(_ split: String, _ side: ModelText) throws -> [TextSet] {
        try text.map { try TextSet(path: $0, split: split, documentsMax: documents, tokensMax: length, text: side) }
    }

    private func writeGGUF(_ path: String) throws {
        let progress = ThrottledProgress("writing \(path)")
        try GGUFMixture(
            Checkpoint.open(out), tokenizer: GGUFMetadata(path: modelOptions.model), isSingle: f32
        ).write(to: path) { progress.show(fraction: $0) }
        Terminal.endProgress()
    }

    private func writeTokenizer() throws {
        guard let tokenizer else {
            guard modelOptions.model.hasSuffix(".gguf") else { return try copyTokenizer(from: modelOptions.model) }
            return try VocabularySource(gguf: GGUFMetadata(path: modelOptions.model)).write(toFolder: out)
        }
        try copyTokenizer(from: tokenizer)
    }

    private func copyTokenizer(from folder: String) throws {
        let files = FileManager.default
        for name in ["tokenizer.json", "tokenizer_config.json", "chat_template.jinja"]
        where name == "tokenizer.json" || files.fileExists(atPath: "\(folder)/\(name)") {
            try files.copyItem(atPath: "\(folder)/\(name)", toPath: "\(out)/\(name)")
        }
    }
}

/// Mean NLL per predicted token, by text.
private struct FusedLosses {
    let trunk, merged, phatgoose, fused: [Double]
}

extension ExpertFuse {
    private struct Choice {
        let attention: FusedCheckpoint.Attention
        /// Mean over texts of the train lines' NLL, of each that was tried.
        let tried: [String: Double]
        let model: LoadedModel
    }

    /// Leaves the better trunk in the folder.
    private func chooseAttention(_ fused: FusedCheckpoint, _ train: [TextSet]) throws -> Choice {
        let wanted = FusedCheckpoint.Attention(rawValue: attention).map { [$0] } ?? FusedCheckpoint.Attention.allCases
        var best: Choice?
        var tried: [String: Double] = [:]
        for attention in wanted {
            try fused.writeTrunk(attention, to: out)
            let model = try loadFused()
            let loss = Self.mean(try Self.losses(train, model, nil, .off))
            tried[attention.rawValue] = loss
            guard best.map({ loss < tried[$0.attention.rawValue] ?? .infinity }) ?? true else { continue }
            best = Choice(attention: attention, tried: [:], model: model)
        }
        guard let best else { preconditionFailure("nothing was tried") }
        if wanted.last != best.attention { try fused.writeTrunk(best.attention, to: out) }
        return Choice(attention: best.attention, tried: tried, model: best.model)
    }

    private func loadFused() throws -> LoadedModel {
        var options = modelOptions
        options.model = out
        return try options.load()
    }

    private static func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }

    private static func losses(
        _ texts: [TextSet], _ model: LoadedModel, _ bank: RoutedExpertBank?, _ method: RouteMethod, topK: Int? = nil
    ) throws -> [Double] {
        let options = RouteOptions(method: method, topK: topK)
        return try texts.map { text in
            let progress = ThrottledProgress("\(text.name): \(method)")
            var sum: (nats: Double, tokens: Int) = (0, 0)
            for (index, document) in text.documents.enumerated() {
                let score = try model.weights.score(
                    document.ids, team: model.team, bank: bank, route: bank.map { _ in RouteRequest(options) })
                sum = (sum.nats + score.losses.reduce(0, +), sum.tokens + score.losses.count)
                progress.show(fraction: Double(index + 1) / Double(text.documents.count))
            }
            Terminal.endProgress()
            return sum.nats / Double(sum.tokens)
        }
    }

    private struct Output: Encodable {
        struct Text: Encodable {
            let name: String
            let tokens: Int
            let trunk, merged, phatgoose, fused: Double
        }

        let folder, attention: String
        let experts: [String]
        let topK: Int
        /// Mean NLL on the train lines of each attention that was tried.
        let attentionNLL: [String: Double]
        /// NLL per predicted token on the held-out lines.
        let texts: [Text]
        let mean: Text
    }

    private func show(_ choice: Choice, _ losses: FusedLosses, _ texts: [TextSet], _ names: [String]) throws {
        func text(_ name: String, _ tokens: Int, _ pick: ([Double]) -> Double) -> Output.Text {
            Output.Text(
                name: name, tokens: tokens, trunk: pick(losses.trunk), merged: pick(losses.merged),
                phatgoose: pick(losses.phatgoose), fused: pick(losses.fused))
        }
        let rows = texts.enumerated().map { index, set in
            text(set.name, set.documents.reduce(0) { $0 + $1.ids.count - 1 }) { $0[index] }
        }
        let mean = text("mean", rows.reduce(0) { $0 + $1.tokens }, Self.mean)
        if json {
            return try JSONOutput.print(
                Output(
                    folder: out, attention: choice.attention.rawValue, experts: names, topK: topK,
                    attentionNLL: choice.tried, texts: rows, mean: mean))
        }
        func column(_ text: String) -> String { String(repeating: " ", count: max(1, 12 - text.count)) + text }
        func number(_ value: Double) -> String { column(String(format: "%.4f", value)) }
        print(
            "NLL per token".padding(toLength: 16, withPad: " ", startingAt: 0)
                + ["tokens", "trunk", "merged", "phatgoose", "fused"].map(column).joined())
        for row in rows + [mean] {
            print(
                row.name.padding(toLength: 16, withPad: " ", startingAt: 0) + column("\(row.tokens)")
                    + [row.trunk, row.merged, row.phatgoose, row.fused].map(number).joined())
        }
        let tried = choice.tried.sorted { $0.key < $1.key }.map { "\($0.key) \(String(format: "%.4f", $0.value))" }
        print("attention     \(choice.attention.rawValue) (train lines: \(tried.joined(separator: ", ")))")
        print("experts       \(names.joined(separator: ", ")); \(topK) per token")
        print("written to \(out)")
    }
}

/// The router rows of every layer.
private struct FusedRouters {
    /// [layers][E][hidden]
    let rows: [[[Float]]]

    /// Measures mean σ of each layer's normed input on text, with the trunk alone.
    init(_ model: LoadedModel, _ adapters: [AdapterFolder], _ texts: [TextSet]) throws {
        let groups = model.weights.siteGroups.filter { $0.linears[0].site.hasSuffix("mlp.gate_proj") }
        let meter = DeviationMeter(groups: Set(groups.map(\.index)), epsilon: Standardisation.epsilon)
        let documents = texts.flatMap(\.documents)
        let progress = ThrottledProgress("measuring the trunk on \(documents.count) documents")
        for (index, document) in documents.enumerated() {
            _ = try model.weights.score(document.ids, team: model.team, bank: meter)
            progress.show(fraction: Double(index + 1) / Double(documents.count))
        }
        Terminal.endProgress()
        let means = meter.means
        rows = try groups.map { group in
            try adapters.map { adapter in
                let vectors = group.linears.map { adapter.gates?.vector(at: $0.site)?.floats() }
                return try FusedRouter.row(
                    gate: vectors[0], up: vectors[1], width: group.inputs, meanDeviation: means[group.index] ?? 1)
            }
        }
    }
}
