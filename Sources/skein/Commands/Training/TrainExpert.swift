import ArgumentParser
import Digest
import ExpertStore
import Foundation
import Learning
import Weights

struct TrainExpert: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "expert", abstract: "Trains a LoRA expert on text and writes it as a PEFT folder.",
        discussion: """
            Data: plain text, or JSON lines (.jsonl) of {"text"}, {"messages"} or {"prompt", "completion"}, a file or a folder of them. \
            Of messages the answers are learned, of pairs the completions. A "split" of train or held decides what is held out. \
            An expert without gates is routed by Arrow; `skein train gate` gives it gates.
            """)

    @OptionGroup var options: RunOptions
    @Option(help: ArgumentHelp("What to learn from.", valueName: "file|folder")) var data: String
    @Option(help: ArgumentHelp("The expert's new folder, in its trunk's folder of experts.", valueName: "folder"))
    var out: String
    @Option(help: "Linear layers with a pair, such as q,k,v,o,gate,up,down.") var sites = "q,k,v,o,gate,up,down"
    @Option(
        help:
            "Layers with pairs, counted from 0, such as 18-29 (default: all). The way back ends at the lowest: fewer layers are quicker."
    )
    var layers: String?
    @Option(parsing: .unconditional, help: "r of every pair.") var rank = 8
    @Option(parsing: .unconditional, help: "s = alpha / r.") var alpha = 16.0
    @Option(name: .customLong("trunk-name"), help: "What manifests call the trunk; default: the folder around --out.")
    var trunkName: String?
    @Option(help: "An SPDX expression of the result's licence.") var licence = "unknown"
    @Flag(help: "Write F32 instead of F16.") var f32 = false
    @OptionGroup var publishing: PublishOptions

    func validate() throws {
        _ = try SiteList(sites)
        _ = try layers.map { try LayerList($0) }
        guard (1...1024).contains(rank) else { throw ValidationError("--rank is \(rank); it must be 1 ... 1024") }
        guard alpha.isFinite, alpha > 0 else { throw ValidationError("--alpha is \(alpha); it must be positive") }
    }

    private struct Settings: Encodable {
        let trunk, data: String
        let recipe: Recipe
        let sites: [Int]
        /// Left out where all have pairs.
        let layers: [Int]?
        let rank: Int
        let alpha, heldShare: Double
        let heldTokens: Int
        let f32: Bool
    }

    private struct Notes: Encodable {
        let expert: String
        let baseLoss, loraLoss: Double?
        let steps, tokensPerStep, trainTokens, heldTokens: Int
        let loraLr: Double
        let seed: UInt64
        let dataSHA256: String
    }

    private struct Output: Encodable {
        let folder, id: String
        let heldLossBefore, heldLossAfter: Double?
        let steps: Int
    }

    func run() throws {
        let recipe = options.recipe(steps: 80, rate: 2e-3, block: 128)
        let trunk = try TrainingTrunk(options.trunk, blockTokens: recipe.blockTokens)
        let chosen = try LayerList.choice(layers, of: trunk.configuration.layerCount)
        let place = try TrainedExpert(
            folder: out, trunkName: trunkName ?? TrainingTrunk.name(besides: out), trunk: trunk.configuration,
            trunkHash: trunk.hash, licence: licence, provenance: ["made": "skein train expert"])
        let (documents, hash) = try DocumentReader(trunk.text, model: options.trunk).read(data)
        let set = try TrainingSet(
            documents, block: recipe.blockTokens, heldShare: options.heldShare, heldTokensMax: options.heldTokens,
            seed: recipe.seed, place: data)
        let folder = try RunFolder(for: out, isResumed: options.resume, restarts: options.restart)
        let frozen = try trunk.load()
        let plan = ParameterPlan(
            sites: try SiteList(sites).sites, layers: chosen, rank: rank, scale: Float(alpha / Double(rank)),
            trained: [.pairs])
        let parameters = Parameters(plan, for: trunk.configuration)
        parameters.startPairs(seed: recipe.seed)
        let run = TrainingRun(frozen, parameters, set, recipe, traceBytesMax: options.traceMiB << 20)
        let settings = Settings(
            trunk: trunk.hash.hex, data: hash.hex, recipe: recipe, sites: plan.sites.map(\.rawValue).sorted(),
            layers: chosen?.sorted(), rank: rank, alpha: alpha, heldShare: options.heldShare,
            heldTokens: options.heldTokens, f32: f32)
        let result = try TrainingSession(run, folder, options, settings).perform()
        let adapter = try ImportedAdapter(computed: parameters.adapterPairs, asHalves: !f32)
        let expert = try place.write(adapter, notes: try TrainingNotes.bytes(notes(result, set, recipe, hash)))
        folder.remove()
        try show(expert, result, recipe)
        try publishing.giveToCluster(expert, json: options.json)
    }

    private func notes(
        _ result: TrainingSession.Result, _ set: TrainingSet, _ recipe: Recipe, _ data: SHA256Digest
    ) -> Notes {
        Notes(
            expert: URL(filePath: out).lastPathComponent, baseLoss: result.before, loraLoss: result.after,
            steps: recipe.steps, tokensPerStep: recipe.blocks * recipe.accumulate * recipe.blockTokens,
            trainTokens: set.trainTargets, heldTokens: set.heldTargets, loraLr: recipe.learningRate, seed: recipe.seed,
            dataSHA256: data.hex)
    }

    private func show(_ expert: StoredExpert, _ result: TrainingSession.Result, _ recipe: Recipe) throws {
        guard options.json else { return print("\(expert.id) is in \(expert.folder)") }
        try JSONOutput.print(
            Output(
                folder: expert.folder, id: expert.id, heldLossBefore: result.before, heldLossAfter: result.after,
                steps: recipe.steps))
    }
}

/// `training.json`: nothing in it depends on the clock, so that a resumed run ends with the same bytes.
enum TrainingNotes {
    static func bytes(_ notes: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        return Array(try encoder.encode(notes)) + [10]
    }
}
