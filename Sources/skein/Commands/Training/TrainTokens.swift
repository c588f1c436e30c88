import ArgumentParser
import Deciding
import Digest
import ExpertStore
import Foundation
import Learning
import Weights

struct TrainTokens: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokens", abstract: "Trains the functional tokens of a master and writes its folder.",
        discussion: """
            Data: JSON lines of {"query", "token"}, with "rewrite" (the query as the node is to get it) and "split" where there are. \
            New vocabulary rows are trained, and a LoRA pair at every site unless --rank is 0. With --layers the way back ends at the \
            lowest of them, and a row learns where its token is predicted but not where it is read. --append adds the tokens that a master does \
            not have yet and trains their rows alone: all others, and the adapter, stay bit for bit. --refit goes on with everything that \
            a master has.
            """)

    @OptionGroup var options: RunOptions
    @Option(help: ArgumentHelp("What to learn from.", valueName: "file|folder")) var data: String
    @Option(help: ArgumentHelp("The master's new folder.", valueName: "folder")) var out: String
    @Option(
        help: ArgumentHelp(
            "A JSON array of {\"token\", \"description\"}: the order of the rows. Default: as the data name them.",
            valueName: "file"))
    var tokens: String?
    @Option(help: ArgumentHelp("Add tokens to this master; only their rows are trained.", valueName: "folder"))
    var append: String?
    @Option(help: ArgumentHelp("Start from this master, and train all of it.", valueName: "folder"))
    var refit: String?
    @Option(help: "Linear layers with a pair, such as q,k,v,o,gate,up,down.") var sites = "q,k,v,o,gate,up,down"
    @Option(
        help:
            "Layers with pairs, counted from 0, such as 18-29 (default: all). The way back ends at the lowest: fewer layers are quicker by far."
    )
    var layers: String?
    @Option(parsing: .unconditional, help: "r of every pair; 0: no adapter, rows only.") var rank = 8
    @Option(parsing: .unconditional, help: "s = alpha / r.") var alpha = 16.0
    @Option(
        name: .customLong("row-rate"), parsing: .unconditional,
        help: "AdamW's rate for the new rows (default: as all).")
    var rowRate: Double?
    @Option(
        name: .customLong("rewrite-share"), parsing: .unconditional,
        help: "Of the examples with a rewrite so many are learned with it, the others up to the functional token.")
    var rewriteShare = 1.0
    @Option(
        name: .customLong("rewrite-weight"), parsing: .unconditional,
        help: "What each token behind the functional one counts, which counts 1.")
    var rewriteWeight = 1.0
    @Flag(help: "Write the adapter in F32 instead of F16.") var f32 = false

    func validate() throws {
        guard (0...1024).contains(rank) else { throw ValidationError("--rank is \(rank); it must be 0 ... 1024") }
        guard alpha.isFinite, alpha > 0 else { throw ValidationError("--alpha is \(alpha); it must be positive") }
        for (name, value, range) in [
            ("row-rate", rowRate ?? 1, 1e-9...10), ("rewrite-share", rewriteShare, 0...1),
            ("rewrite-weight", rewriteWeight, 0...1000),
        ] where !range.contains(value) {
            throw ValidationError("--\(name) is \(value); it must be \(range.lowerBound) ... \(range.upperBound)")
        }
        if append != nil, refit != nil { throw ValidationError("--append and --refit exclude each other") }
        if append != nil, options.weightDecay > 0 {
            throw ValidationError("--weight-decay would move the rows that --append keeps; leave it out")
        }
        _ = try SiteList(sites)
        _ = try layers.map { try LayerList($0) }
        if layers != nil, append != nil || refit != nil || rank == 0 {
            throw ValidationError("--layers places new pairs: not with --append, --refit or --rank 0")
        }
    }

    private struct Settings: Encodable {
        let trunk, data: String
        let recipe: Recipe
        let sites: [Int]
        /// Left out where all have pairs.
        let layers: [Int]?
        let rank: Int
        let alpha, heldShare, rewriteShare, rewriteWeight: Double
        let heldTokens: Int
        let tokens: [String]
        let append: Bool
        /// The start's own bytes.
        let start: [String]
    }

    private struct Notes: Encodable {
        let baseLoss, loss, accuracy: Double?
        let steps, blocksPerStep, examples, heldExamples: Int
        let lr: Double
        let rowLR: Double?
        let schedule: Recipe.Schedule
        let rewriteShare, rewriteWeight: Double
        let seed: UInt64
        let dataSHA256: String
    }

    private struct Output: Encodable {
        let folder: String
        let tokens: [String]
        let heldLossBefore, heldLossAfter, heldAccuracyBefore, heldAccuracyAfter: Double?
        let temperature: Double
        let steps: Int
    }

    func run() throws {
        guard !FileManager.default.fileExists(atPath: out) else {
            throw CommandFailure.refused("\(out): is there already; choose another --out, or take it away")
        }
        let recipe = options.recipe(
            steps: 200, rate: append != nil || rank == 0 ? 1e-2 : 1e-3, rowRate: rowRate, block: 256)
        let trunk = try TrainingTrunk(options.trunk, blockTokens: recipe.blockTokens)
        let examples = try FunctionalExamples(path: data)
        let plan = try MasterPlan(
            examples, trunk, tokensFile: tokens, start: append ?? refit, appends: append != nil,
            fresh: FreshPairs(
                sites: SiteList(sites).sites,
                layers: LayerList.choice(layers, of: trunk.configuration.layerCount), rank: rank, alpha: alpha))
        let set = try trainingSet(examples, plan, trunk, recipe)
        let folder = try RunFolder(for: out, isResumed: options.resume, restarts: options.restart)
        let frozen = try trunk.load()
        let parameters = plan.parameters(frozen, trunk, seed: recipe.seed)
        let width = trunk.configuration.hiddenSize
        let run = TrainingRun(
            frozen, parameters, set, recipe, fixed: parameters.places(ofFirstRows: plan.fixedRows, width: width),
            traceBytesMax: options.traceMiB << 20)
        let vocabulary = trunk.configuration.vocabularySize
        let before = options.resume ? nil : accuracy(run, vocabulary)
        let result = try TrainingSession(run, folder, options, try settings(plan, trunk, examples, recipe)).perform()
        let readings = Self.readings(run, vocabulary)
        let after = Self.accuracy(readings)
        let temperature = append == nil ? TemperatureFit.fit(readings) : plan.start?.temperature ?? 1
        try write(plan, trunk, parameters, temperature, notes(result, after, set, recipe, examples.hash))
        folder.remove()
        try show(
            Output(
                folder: out, tokens: plan.tokens.map(\.token), heldLossBefore: result.before,
                heldLossAfter: result.after, heldAccuracyBefore: before, heldAccuracyAfter: after,
                temperature: temperature, steps: recipe.steps))
    }

    private func trainingSet(
        _ examples: FunctionalExamples, _ plan: MasterPlan, _ trunk: TrainingTrunk, _ recipe: Recipe
    ) throws -> TrainingSet {
        let documents = try examples.documents(
            trunk.text, ids: plan.ids, end: try trunk.endOfTurn(options.trunk),
            rewrites: .init(share: rewriteShare, weight: Float(rewriteWeight), seed: recipe.seed),
            argument: RewriteText.encode)
        return try TrainingSet(
            documents, block: recipe.blockTokens, heldShare: options.heldShare, heldTokensMax: options.heldTokens,
            seed: recipe.seed, place: data)
    }

    private func settings(
        _ plan: MasterPlan, _ trunk: TrainingTrunk, _ examples: FunctionalExamples, _ recipe: Recipe
    ) throws -> Settings {
        Settings(
            trunk: trunk.hash.hex, data: examples.hash.hex, recipe: recipe,
            sites: plan.parameterPlan.sites.map(\.rawValue).sorted(), layers: plan.parameterPlan.layers?.sorted(),
            rank: plan.parameterPlan.rank, alpha: alpha, heldShare: options.heldShare, rewriteShare: rewriteShare,
            rewriteWeight: rewriteWeight, heldTokens: options.heldTokens, tokens: plan.tokens.map(\.token),
            append: append != nil, start: try plan.startHashes())
    }

    private func notes(
        _ result: TrainingSession.Result, _ accuracy: Double?, _ set: TrainingSet, _ recipe: Recipe,
        _ data: SHA256Digest
    ) -> Notes {
        Notes(
            baseLoss: result.before, loss: result.after, accuracy: accuracy, steps: recipe.steps,
            blocksPerStep: recipe.blocks * recipe.accumulate, examples: set.train.count, heldExamples: set.held.count,
            lr: recipe.learningRate, rowLR: recipe.rowRate, schedule: recipe.schedule, rewriteShare: rewriteShare,
            rewriteWeight: rewriteWeight, seed: recipe.seed, dataSHA256: data.hex)
    }

    private func write(
        _ plan: MasterPlan, _ trunk: TrainingTrunk, _ parameters: Parameters, _ temperature: Double, _ notes: Notes
    ) throws {
        let (embedding, head) = parameters.rows(width: trunk.configuration.hiddenSize)
        let master = TrainedMaster(
            trunkHash: trunk.hash, temperature: temperature, tokens: plan.tokens, embedding: embedding, head: head)
        try master.write(
            to: out, adapter: try plan.adapter(parameters, asHalves: !f32),
            trunkName: TrainingTrunk.name(besides: out), notes: try TrainingNotes.bytes(notes))
    }

    private func show(_ output: Output) throws {
        if options.json { return try JSONOutput.print(output) }
        func share(_ value: Double?) -> String { value.map { String(format: "%.1f %%", 100 * $0) } ?? "not measured" }
        print(
            """
            tokens        \(output.tokens.joined(separator: " "))
            held-out      right token \(share(output.heldAccuracyBefore)) before, \(share(output.heldAccuracyAfter)) after
            temperature   \(String(format: "%.4f", output.temperature))
            written to \(output.folder)
            """)
    }

    private func accuracy(_ run: TrainingRun, _ vocabulary: Int) -> Double? {
        Self.accuracy(Self.readings(run, vocabulary))
    }

    /// The logits of all functional tokens, and the right one, of every held-out query.
    private static func readings(_ run: TrainingRun, _ vocabulary: Int) -> [TemperatureFit.Example] {
        let held = run.set.held
        return zip(held, run.newRowLogits(held)).compactMap { block, logits in
            guard let place = block.firstTarget else { return nil }
            return TemperatureFit.Example(logits: logits, node: Int(block.tokens[place]) - vocabulary)
        }
    }

    private static func accuracy(_ readings: [TemperatureFit.Example]) -> Double? {
        guard !readings.isEmpty else { return nil }
        let right = readings.count { $0.logits.max() == $0.logits[$0.node] }
        return Double(right) / Double(readings.count)
    }
}
