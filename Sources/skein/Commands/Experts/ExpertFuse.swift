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
            the gates at gate and up (Documentation/Evaluation.md has the equation and what is lost). --distil refits the rows by \
            logistic regression to PHATGOOSE's own weights on the train lines. The losses of trunk, merged, PHATGOOSE and the \
            fused model, before and after that, on the held-out lines of the texts are reported at the end.
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
    @Flag(help: "Refit the router's rows to PHATGOOSE's own weights on the train lines.") var distil = false
    @Option(
        name: .customLong("distil-to"),
        help:
            "What to refit to: softmax (over all experts, of the mean of the scores at gate and up) or kept (the mean of the weights kept there)."
    )
    var distilTo = FusedShares.Kind.softmax.rawValue
    @Option(
        parsing: .unconditional,
        help: "With --distil: how strongly the rows are held near those made of the gates; above 0.")
    var ridge = 0.01
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
        guard FusedShares.Kind(rawValue: distilTo) != nil else {
            throw ValidationError("--distil-to is \(distilTo); use softmax or kept")
        }
        guard ridge.isFinite, (1e-9...1e9).contains(ridge) else {
            throw ValidationError("--ridge is \(ridge); it must be 1e-9 ... 1e9")
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
        let adapters = sources.map(\.adapter)
        var fused = try FusedCheckpoint(
            trunk: checkpoint, adapters: adapters, routers: try FusedRouters(model, adapters, train).rows, topK: topK,
            hasSkip: skipExpert, isSingle: f32)
        let progress = ThrottledProgress("writing \(sources.count) experts to \(out)")
        try fused.writeExperts(to: out) { progress.show(fraction: $0) }
        Terminal.endProgress()
        try writeTokenizer()
        let choice = try chooseAttention(fused, train)
        let bank = RoutedExpertBank(set, rowsMax: LanguageModel.scoringChunk, team: model.team)
        var losses = FusedLosses(
            trunk: try Self.losses(held, model, nil, .off),
            merged: try Self.losses(held, model, bank, .merged),
            phatgoose: try Self.losses(held, model, bank, .phatgoose, topK: topK),
            fused: try Self.losses(held, choice.model, nil, .off))
        var distillation: RouterDistillation?
        if distil, let kind = FusedShares.Kind(rawValue: distilTo) {
            let result = try RouterDistillation(
                fused.routers, fused: choice.model, trunk: model, bank: bank, adapters, train,
                .init(kind: kind, topK: topK, ridge: ridge))
            fused.routers = result.rows
            try fused.writeTrunk(choice.attention, to: out)
            losses.distilled = try Self.losses(held, loadFused(), nil, .off)
            distillation = result
        }
        if let gguf { try writeGGUF(gguf) }
        let report = report(choice, losses, held, sources.map(\.name), distillation)
        if json { try JSONOutput.print(report) } else { report.printTable() }
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
    var distilled: [Double]?
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

    private func report(
        _ choice: Choice, _ losses: FusedLosses, _ texts: [TextSet], _ names: [String], _ result: RouterDistillation?
    ) -> FuseReport {
        func text(_ name: String, _ tokens: Int, _ pick: ([Double]) -> Double) -> FuseReport.Text {
            FuseReport.Text(
                name: name, tokens: tokens, trunk: pick(losses.trunk), merged: pick(losses.merged),
                phatgoose: pick(losses.phatgoose), fused: pick(losses.fused), distilled: losses.distilled.map(pick))
        }
        let rows = texts.enumerated().map { index, set in
            text(set.name, set.documents.reduce(0) { $0 + $1.ids.count - 1 }) { $0[index] }
        }
        return FuseReport(
            folder: out, attention: choice.attention.rawValue, experts: names, topK: topK, attentionNLL: choice.tried,
            distillation: result.map {
                .init(
                    target: distilTo, ridge: ridge, tokens: $0.tokens, crossEntropyBefore: $0.before,
                    crossEntropyAfter: $0.after)
            }, texts: rows, mean: text("mean", rows.reduce(0) { $0 + $1.tokens }, Self.mean))
    }
}
