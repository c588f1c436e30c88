import ArgumentParser
import Charts
import Digest
import Evaluation
import ExpertStore
import Foundation
import Gating
import Inference
import Weights

struct EvalRouting: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "routing",
        abstract: "Compares ways of routing tokens to experts by the loss on sets of text.",
        discussion: """
            Every method reads the same documents. Intervals are 95 % bootstrap intervals over documents, differences are \
            paired; a star marks a method that differs from \(EvaluatedMethod.reference) by more than chance. `oracle` is \
            the best single expert (or none) of each document, chosen with hindsight.
            """)

    @OptionGroup var modelOptions: ModelOptions
    @Option(
        name: .customLong("experts"), parsing: .unconditionalSingleValue,
        help: ArgumentHelp("An expert's folder, or a folder of experts; repeatable.", valueName: "folder"))
    var experts: [String] = ["experts"]
    @Option(help: ArgumentHelp("The sets of text: a folder of .jsonl files.", valueName: "folder")) var texts = "texts"
    @Option(name: .customLong("sets"), help: "Only these sets, by name, separated by commas.") var sets: String?
    @Option(
        name: .customLong("methods"),
        help:
            "Only methods whose name begins so, separated by commas; others are written METHOD [k=K] [T=T] [null|joins] [common SHARE]."
    )
    var methods: String?
    @Option(parsing: .unconditional, help: "Documents of each set.") var documents = 8
    @Option(
        parsing: .unconditional, help: "Of each expert's train split, for the gates of \(EvaluatedMethod.prompted).")
    var prompts = 8
    @Option(help: ArgumentHelp("What such gates are told from; default: chat.jsonl of the texts.", valueName: "file"))
    var general: String?
    @Option(name: .customLong("max-tokens"), parsing: .unconditional, help: "Of each document, its first N tokens.")
    var maxTokens = 256
    @Option(help: ArgumentHelp("Write a picture of the table.", valueName: "file")) var svg: String?
    @Flag(help: "Print one JSON object.") var json = false

    func validate() throws {
        guard (1...100_000).contains(documents) else {
            throw ValidationError("--documents is \(documents); it must be 1 ... 100000")
        }
        guard (1...10_000).contains(prompts) else {
            throw ValidationError("--prompts is \(prompts); it must be 1 ... 10000")
        }
        guard (2...1_000_000).contains(maxTokens) else {
            throw ValidationError("--max-tokens is \(maxTokens); it must be 2 ... 1000000")
        }
    }

    func run() throws {
        let all = try TextSet.files(in: texts)
        let files = try chosen(all)
        let model = try modelOptions.load()
        var examples: RoutingExamples?
        var prompted: ExpertSet?
        let set = try ExpertFolders(experts).load(for: model, at: modelOptions.model) { sources in
            prompted = try promptedSet(sources, all, model)
            guard needsExamples else { return sources }
            examples = try RoutingExamples(sources.map(\.name), files: all, model)
            return try examples?.measured(sources) ?? sources
        }
        let length = min(maxTokens, model.weights.configuration.contextLength)
        let read = try files.map {
            try TextSet(path: $0, split: "held", documentsMax: documents, tokensMax: length, text: model.text)
        }
        let ways = try wanted(EvaluatedMethod.all(for: set, retrieves: examples != nil, prompted: prompted != nil))
        let bank = RoutedExpertBank(set, rowsMax: LanguageModel.scoringChunk, team: model.team)
        let other = prompted.map { RoutedExpertBank($0, rowsMax: LanguageModel.scoringChunk, team: model.team) }
        var run = RoutingRun(RoutingTrial(model: model, bank: bank, prompted: other, examples: examples), ways)
        for text in read { try run.add(text) }
        Terminal.endProgress()
        let report = RoutingReport(
            model: modelOptions.model, modelSHA256: try ExpertStore.hash(of: Checkpoint.open(modelOptions.model)).hex,
            compute: model.weights.mode.rawValue, experts: set.version.hex, expertNames: set.names,
            tokensPerDocument: length, reference: EvaluatedMethod.reference, texts: run.texts,
            segments: run.segments, lag: run.lag, afterSwitch: run.afterSwitch,
            switchDistances: SwitchCurve.distances.map(\.lowerBound))
        if let svg { try OutputFile.write(report.picture.text, to: svg) }
        if json { try JSONOutput.print(report) } else { show(report) }
    }

    /// The experts with gates from prompts; nil where no method wants them, or where there are no texts for them.
    private func promptedSet(_ sources: [ExpertSource], _ files: [String], _ model: LoadedModel) throws -> ExpertSet? {
        let name = EvaluatedMethod.prompted
        let wanted = methods?.split(separator: ",").map(String.init)
        let isNamed = wanted?.contains { $0.hasPrefix(name) } ?? false
        guard isNamed || wanted?.contains(where: { "\(name) k=2".hasPrefix($0) }) ?? true else { return nil }
        let set = try (general ?? files.first { $0.hasSuffix("/chat.jsonl") }).flatMap {
            try PromptedExperts(model: model, prompts: prompts, general: $0).set(sources, files: files)
        }
        guard set != nil || !isNamed else {
            throw CommandFailure.usage(
                "\(name): \(texts) needs a set named like each expert, and chat.jsonl (or --general FILE)")
        }
        return set
    }

    /// Whether a method is wanted that learns from the experts' own texts.
    private var needsExamples: Bool {
        methods?.split(separator: ",").contains { word in
            ["average", "retrieval"].contains { $0.hasPrefix(word.prefix { $0 != " " }) }
        } ?? true
    }

    private func chosen(_ files: [String]) throws -> [String] {
        guard let sets else { return files }
        return try sets.split(separator: ",").map { name in
            guard let file = files.first(where: { $0.hasSuffix("/\(name).jsonl") }) else {
                throw CommandFailure.usage("--sets: \(texts) has no \(name).jsonl")
            }
            return file
        }
    }

    private func wanted(_ all: [EvaluatedMethod]) throws -> [EvaluatedMethod] {
        guard let methods else { return all }
        return try methods.split(separator: ",").map(String.init).flatMap { beginning in
            let found = all.filter { $0.name.hasPrefix(beginning) }
            // The reference is no beginning of its variants, unless they are wanted.
            if let exact = found.first(where: { $0.name == beginning }) { return [exact] }
            return found.isEmpty ? [try EvaluatedMethod(parsing: beginning)] : found
        }
    }

    private func show(_ report: RoutingReport) {
        print(report.table.joined(separator: "\n"))
        if !report.afterSwitch.isEmpty { print(report.switchTable.joined(separator: "\n")) }
        if let lag = report.lag {
            let median = lag.medianTokens.map { "\($0) tokens in the median" } ?? "never"
            print("after a switch the new domain's expert leads: \(median); \(lag.never) of \(lag.switches) never did")
        }
    }
}

/// What has been scored so far.
private struct RoutingRun {
    private let trial: RoutingTrial
    private let ways: [EvaluatedMethod]
    private let bootstrap = Bootstrap()
    private(set) var texts: [RoutingReport.TextResult] = []
    private(set) var segments: [RoutingReport.SegmentResult] = []
    private var lags: [Int?] = []
    private(set) var afterSwitch: [RoutingReport.AfterSwitch] = []

    init(_ trial: RoutingTrial, _ ways: [EvaluatedMethod]) {
        self.trial = trial
        self.ways = ways
    }

    mutating func add(_ text: TextSet) throws {
        var losses: [(name: String, losses: [DocumentLoss])] = []
        var routing: [String: RoutingReport.Routing] = [:]
        for (index, way) in ways.enumerated() {
            Terminal.progress("\(text.name): \(way.name) (\(index + 1) of \(ways.count))")
            let isReference = way.name == EvaluatedMethod.reference
            let scored = try text.documents.map { document in
                try trial.score(document, way, traces: isReference && document.segments.count > 1)
            }
            losses.append((way.name, scored.map(\.loss)))
            routing[way.name] = trial.takeRouting(way)
            addSegments(text, way, scored)
            addCurve(text, way, scored)
            if isReference { addLags(text, scored) }
        }
        if let oracle = oracle(losses) { losses.append(("oracle", oracle)) }
        texts.append(result(text, losses, routing))
    }

    /// Per document the least loss of a single expert, or of none.
    private func oracle(_ losses: [(name: String, losses: [DocumentLoss])]) -> [DocumentLoss]? {
        let singles = losses.filter { $0.name.hasPrefix("single:") || $0.name == "trunk" }.map(\.losses)
        guard singles.count > 1, let first = singles.first else { return nil }
        return first.indices.compactMap { document in
            singles.map { $0[document] }.min { $0.nats < $1.nats }
        }
    }

    private func result(
        _ text: TextSet, _ losses: [(name: String, losses: [DocumentLoss])],
        _ routing: [String: RoutingReport.Routing]
    ) -> RoutingReport.TextResult {
        let reference = losses.first { $0.name == EvaluatedMethod.reference }?.losses
        let methods = losses.compactMap { name, own -> RoutingReport.Method? in
            guard let mean = MeanLoss(own, bootstrap: bootstrap) else { return nil }
            let difference =
                name == EvaluatedMethod.reference
                ? nil : reference.flatMap { PairedDifference(own, minus: $0, bootstrap: bootstrap) }
            return .init(method: name, loss: mean, difference: difference, routing: routing[name])
        }
        return .init(
            name: text.name, documents: text.documents.count, tokens: methods.first?.loss.tokens ?? 0,
            methods: methods)
    }

    private mutating func addSegments(_ text: TextSet, _ way: EvaluatedMethod, _ scored: [RoutingTrial.Scored]) {
        var sums: [String: (nats: Double, tokens: Int)] = [:]
        for (document, own) in zip(text.documents, scored) where document.segments.count > 1 {
            for segment in document.segments {
                // The first token of a document is given, not predicted.
                for token in segment.range where token > 0 {
                    let sum = sums[segment.domain] ?? (0, 0)
                    sums[segment.domain] = (sum.nats + own.losses[token - 1], sum.tokens + 1)
                }
            }
        }
        for (domain, sum) in sums.sorted(by: { $0.key < $1.key }) {
            segments.append(
                .init(
                    domain: domain, method: way.name, tokens: sum.tokens,
                    nllPerToken: sum.nats / Double(sum.tokens)))
        }
    }

    private mutating func addCurve(_ text: TextSet, _ way: EvaluatedMethod, _ scored: [RoutingTrial.Scored]) {
        guard text.documents.contains(where: { $0.segments.count > 1 }) else { return }
        var curve = SwitchCurve()
        for (document, own) in zip(text.documents, scored) {
            for segment in document.segments.dropFirst() {
                // Losses begin with the second token's.
                curve.add(own.losses[segment.range.lowerBound - 1..<segment.range.upperBound - 1])
            }
        }
        afterSwitch.append(.init(method: way.name, nllPerToken: curve.means))
    }

    private mutating func addLags(_ text: TextSet, _ scored: [RoutingTrial.Scored]) {
        let names = trial.bank.set.names
        for (document, own) in zip(text.documents, scored) where document.segments.count > 1 {
            for (before, segment) in zip(document.segments, document.segments.dropFirst())
            where before.domain != segment.domain {
                guard let expert = names.firstIndex(of: segment.domain) else { continue }
                lags.append(SwitchLag.tokens(until: expert, heaviest: Array(own.heaviest[segment.range])))
            }
        }
    }

    var lag: RoutingReport.Lag? {
        guard !lags.isEmpty else { return nil }
        let found = lags.compactMap { $0 }.map(Double.init).sorted()
        return .init(
            switches: lags.count, never: lags.count - found.count,
            medianTokens: found.isEmpty ? nil : Quantile.of(sorted: found, 0.5))
    }
}
