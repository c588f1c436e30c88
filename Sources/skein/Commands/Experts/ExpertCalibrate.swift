import ArgumentParser
import Digest
import Evaluation
import ExpertStore
import Foundation
import Gating
import Inference
import Tokenization
import Weights

struct ExpertCalibrate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "calibrate",
        abstract: "Sets the null expert's scores from general text, and makes the common expert.",
        discussion: """
            The null expert's score tau is, per method and site, a quantile of the highest expert's score on general text: \
            there, that share of tokens would rather have no expert at all. The common expert is the mean of all adapters, \
            truncated to a low rank. Both belong to exactly this set of experts, and are stored with it: calibration.json \
            and _common/ in the trunk's folder.
            """)

    @Argument(help: "A trunk's folder of experts, such as experts/smollm2-135m-instruct.") var path: String
    @OptionGroup var modelOptions: ModelOptions
    @Option(
        help: ArgumentHelp("General text: JSON lines of {\"text\"} or {\"messages\"}; repeatable.", valueName: "file"))
    var text: [String]
    @Option(help: "Use these lines of the text, where lines name a split.") var split: String = "train"
    @Option(parsing: .unconditional, help: "Of the highest score at each site, in percent.") var percentile: Double = 90
    @Option(name: .customLong("max-tokens"), parsing: .unconditional, help: "Read at most so many tokens.")
    var maxTokens = 20_000
    @Option(name: .customLong("common-rank"), parsing: .unconditional, help: "Rank of the common expert; 0: none.")
    var commonRank = 16
    @Flag(help: "Print one JSON object.") var json = false

    func validate() throws {
        guard (0...100).contains(percentile) else {
            throw ValidationError("--percentile is \(percentile); it must be 0 ... 100")
        }
        guard (2...10_000_000).contains(maxTokens) else {
            throw ValidationError("--max-tokens is \(maxTokens); it must be 2 ... 10000000")
        }
        guard (0...1024).contains(commonRank) else {
            throw ValidationError("--common-rank is \(commonRank); it must be 0 ... 1024")
        }
        guard !text.isEmpty else { throw ValidationError("give at least one --text") }
    }

    func run() throws {
        let stored = try ExpertStore.set([path])
        guard let folder = StoredCalibration.folder(of: stored), let first = stored.first else {
            throw CommandFailure.usage("\(path): the experts lie in several folders; calibrate one trunk's folder")
        }
        let model = try modelOptions.load()
        let set = try ExpertFolders([path]).load(for: model, at: modelOptions.model)
        let texts = try text.map {
            try TextSet(path: $0, split: split, documentsMax: .max, tokensMax: maxTokens, text: model.text)
        }
        var file = CalibrationFile(trunkHash: first.manifest.trunk.hash, entries: kept(in: folder))
        let hash = ExpertStore.setHash(stored)
        for method in RouteMethod.calibrated where set.isRoutable(by: method) {
            let scores = try TopScores(method, set, model, texts.flatMap(\.documents), tokensMax: maxTokens)
            file.record(
                .init(
                    setHash: hash, method: method.description, experts: stored.map(\.id),
                    text: texts.map(\.name).joined(separator: ", "), tokens: scores.tokens,
                    percentile: percentile / 100, thresholds: scores.quantiles(percentile / 100)))
        }
        if commonRank > 0 { file.common = try common(stored, first.manifest.trunk.name, folder, hash) }
        try file.write(to: "\(folder)/\(CalibrationFile.fileName)")
        try show(file, hash, folder)
    }

    /// What was calibrated for other sets in this folder stays.
    private func kept(in folder: String) -> [CalibrationFile.Entry] {
        (try? CalibrationFile(path: "\(folder)/\(CalibrationFile.fileName)"))?.entries ?? []
    }

    private func common(
        _ stored: [StoredExpert], _ trunkName: String, _ folder: String, _ hash: SHA256Digest
    ) throws -> CalibrationFile.Common {
        let progress = ThrottledProgress("averaging \(stored.count) adapters")
        let mean = try MeanAdapter(of: try stored.map { try $0.adapter() }, rank: commonRank) {
            progress.show(fraction: $0)
        }
        Terminal.endProgress()
        return CalibrationFile.Common(
            setHash: hash, hash: try mean.write(to: folder, trunkName: trunkName), rank: commonRank,
            energyKept: mean.energyKept)
    }

    private struct Output: Encodable {
        struct Method: Encodable {
            let method: String
            let sites, tokens: Int
            let percentile: Double
        }

        let folder, setSHA256: String
        let methods: [Method]
        let commonRank: Int?
        let commonEnergyKept: Double?
    }

    private func show(_ file: CalibrationFile, _ hash: SHA256Digest, _ folder: String) throws {
        let entries = file.entries.filter { $0.setHash == hash }
        if json {
            let methods = entries.map {
                Output.Method(
                    method: $0.method, sites: $0.thresholds.count, tokens: $0.tokens, percentile: $0.percentile)
            }
            return try JSONOutput.print(
                Output(
                    folder: folder, setSHA256: hash.hex, methods: methods, commonRank: file.common?.rank,
                    commonEnergyKept: file.common?.energyKept))
        }
        for entry in entries {
            print(
                "\(entry.method): tau at \(entry.thresholds.count) sites, the \(entry.percentile * 100) % quantile of "
                    + "\(entry.tokens) tokens")
        }
        if let common = file.common {
            print(
                "common expert: rank \(common.rank), \(Int((common.energyKept * 100).rounded())) % of the mean's energy"
            )
        }
        print("written to \(folder)/\(CalibrationFile.fileName)")
    }
}

extension RouteMethod {
    /// Those that score, and so can have a null expert.
    static let calibrated: [RouteMethod] = [.phatgoose, .average, .arrow, .arrowUnit]
}

extension ExpertSet {
    /// Every expert has what the method multiplies inputs with.
    func isRoutable(by method: RouteMethod) -> Bool {
        guard let kind = method.gateKind else { return true }
        return experts.allSatisfy { $0.gateKinds.contains(kind) }
    }
}

/// The highest expert's score of every token at every site, by one method.
private struct TopScores {
    /// By site.
    private var scores: [String: [Double]] = [:]
    private(set) var tokens = 0

    init(
        _ method: RouteMethod, _ set: ExpertSet, _ model: LoadedModel, _ documents: [TextSet.Document], tokensMax: Int
    ) throws {
        let bank = RoutedExpertBank(set, rowsMax: LanguageModel.scoringChunk, team: model.team)
        let groups = model.weights.siteGroups
        let progress = ThrottledProgress("scores of \(method)")
        var found: [String: [Double]] = [:]
        bank.onTopScore = { _, group, linear, score in
            found[groups[group].linears[linear].site, default: []].append(Double(score))
        }
        for (index, document) in documents.enumerated() where tokens < tokensMax {
            let ids = Array(document.ids.prefix(min(tokensMax - tokens, model.weights.configuration.contextLength)))
            guard ids.count > 1 else { break }
            _ = try model.weights.score(
                ids, team: model.team, bank: bank, route: RouteRequest(RouteOptions(method: method)))
            tokens += ids.count
            progress.show(fraction: Double(index + 1) / Double(documents.count))
        }
        Terminal.endProgress()
        scores = found
    }

    func quantiles(_ share: Double) -> [String: Double] {
        scores.mapValues { Quantile.of(sorted: $0.sorted(), share) }
    }
}
