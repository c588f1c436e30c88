import ArgumentParser
import Digest
import ExpertStore
import Foundation
import Learning
import Weights

struct TrainGate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gate", abstract: "Trains an expert's PHATGOOSE gates: one vector per site, the rest frozen.",
        discussion: """
            Give the data that the expert was trained on. The gates come beside the adapter, which stays byte for byte; a run that finds it \
            changed at the end writes nothing.
            """)

    @OptionGroup var options: RunOptions
    @Option(help: ArgumentHelp("The expert's folder.", valueName: "folder")) var expert: String
    @Option(help: ArgumentHelp("What to learn from, as for `skein train expert`.", valueName: "file|folder"))
    var data: String
    @Flag(help: "Put the new gates in the place of those that are there.") var replace = false
    @OptionGroup var publishing: PublishOptions

    private struct Settings: Encodable {
        let trunk, data, adapter: String
        let recipe: Recipe
        let heldShare: Double
        let heldTokens: Int
    }

    private struct Output: Encodable {
        let folder: String
        /// With the adapter and every gate half open (v = 0), and after the last step.
        let heldLossBefore, heldLossAfter: Double?
        let sites, steps: Int
    }

    func run() throws {
        let recipe = options.recipe(steps: 30, rate: 5e-3, block: 128)
        let trunk = try TrainingTrunk(options.trunk, blockTokens: recipe.blockTokens)
        let sidecar = try GateSidecar(folder: expert, replaces: replace)
        try sidecar.adapter.check(against: trunk.configuration)
        try sidecar.adapter.checkFinite()
        let (documents, hash) = try DocumentReader(trunk.text, model: options.trunk).read(data)
        let set = try TrainingSet(
            documents, block: recipe.blockTokens, heldShare: options.heldShare, heldTokensMax: options.heldTokens,
            seed: recipe.seed, place: data)
        let folder = try RunFolder(
            for: "\(URL(filePath: expert).standardizedFileURL.path).gates", isResumed: options.resume,
            restarts: options.restart)
        let frozen = try trunk.load()
        let parameters = Parameters(
            ParameterPlan(sidecar.adapter, for: trunk.configuration, hasGates: true, trained: [.gates]),
            for: trunk.configuration)
        parameters.setPairs(to: sidecar.adapter)
        let run = TrainingRun(frozen, parameters, set, recipe, traceBytesMax: options.traceMiB << 20)
        let settings = Settings(
            trunk: trunk.hash.hex, data: hash.hex, adapter: sidecar.hash.hex, recipe: recipe,
            heldShare: options.heldShare, heldTokens: options.heldTokens)
        let result = try TrainingSession(run, folder, options, settings).perform()
        let gates = parameters.gateVectors.filter { sidecar.adapter.pair(at: $0.key) != nil }
        try sidecar.write(
            gates,
            GateOrigin(
                method: "training", steps: recipe.steps, learningRate: recipe.learningRate,
                tokensPerStep: recipe.blocks * recipe.accumulate * recipe.blockTokens, seed: recipe.seed,
                label: URL(filePath: data).deletingPathExtension().lastPathComponent))
        folder.remove()
        if options.json {
            try JSONOutput.print(
                Output(
                    folder: expert, heldLossBefore: result.before, heldLossAfter: result.after, sites: gates.count,
                    steps: recipe.steps))
        } else {
            print("gates of \(gates.count) sites are in \(expert)")
        }
        if publishing.publish { try publishing.giveToCluster(StoredExpert(folder: expert), json: options.json) }
    }
}
