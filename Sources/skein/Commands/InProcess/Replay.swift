import ArgumentParser
import Digest
import ExpertStore
import Foundation
import Gating
import Inference
import Tokenization
import Weights

struct Replay: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Computes an answer again from its receipt, in this process, and says where it first differs.",
        discussion: """
            The receipt is what `skein query --receipt FILE` wrote. Another model file, other experts or another numerics id \
            are refused (exit code 3): the same bits could only be chance. An answer that differs all the same ends with 1.
            """)

    @Argument(help: ArgumentHelp("The receipt.", valueName: "file")) var receipt: String
    @OptionGroup var modelOptions: ModelOptions
    @Option(
        name: .customLong("experts"), parsing: .unconditionalSingleValue,
        help: ArgumentHelp("The experts' folders, as for `generate`; repeatable.", valueName: "folder"))
    var experts: [String] = []
    @Option(
        name: .customLong("without"), parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "Show which tokens change when this expert may not be chosen; repeatable.", valueName: "expert"))
    var without: [String] = []
    @Flag(help: "Print one JSON object.") var json = false

    func run() throws {
        let receipt = try Self.read(receipt)
        let model = try modelOptions.load()
        try check(receipt, model)
        let set = try expertSet(receipt, model)
        let route = try receipt.route.map { try $0.options }
        var replayed = try Self.generate(receipt, model, set, route: route)
        var comparison = ReplayComparison(receipt, replayed)
        if !without.isEmpty, comparison.isEqual, let route, let set {
            replayed = try Self.generate(receipt, model, set, route: try leavingOut(route, set))
            comparison.without = without
            comparison.changes = ReplayComparison.Changes(receipt.tokens, replayed.tokens.map(\.id), replayed.text)
        }
        try show(comparison, model)
    }

    private static func read(_ path: String) throws -> AnswerReceipt {
        let data = Data(try InputFile.bytes(path))
        let receipt: AnswerReceipt
        do { receipt = try JSONDecoder().decode(AnswerReceipt.self, from: data) } catch {
            throw CommandFailure.usage("\(path): not a receipt of `skein query --receipt` ; write one with that flag")
        }
        guard receipt.receipt == AnswerReceipt.form else {
            throw CommandFailure.usage(
                "\(path): a receipt of form \(receipt.receipt); this version reads \(AnswerReceipt.form)")
        }
        return receipt
    }

    private func check(_ receipt: AnswerReceipt, _ model: LoadedModel) throws {
        let hash = try ExpertStore.hash(of: Checkpoint.open(modelOptions.model)).hex
        guard hash == receipt.modelSHA256 else {
            throw CommandFailure.refused(
                "\(modelOptions.model): its SHA-256 is \(hash), the receipt's model is \(receipt.modelSHA256); give that file"
            )
        }
        guard model.weights.numericsID == receipt.numerics else {
            throw CommandFailure.refused(
                "this computes with numerics \(model.weights.numericsID), the receipt's are \(receipt.numerics); use the "
                    + "same --compute and the same version")
        }
        if receipt.setSHA256 == nil, !without.isEmpty {
            throw CommandFailure.usage("--without: this answer met no experts")
        }
    }

    /// The receipt's experts and no others, with what was calibrated for them or, where that is another set, without it.
    private func expertSet(_ receipt: AnswerReceipt, _ model: LoadedModel) throws -> ExpertSet? {
        guard let version = receipt.setSHA256, let wanted = receipt.experts else { return nil }
        guard !experts.isEmpty else {
            throw CommandFailure.usage("the receipt names experts; give their folder with --experts")
        }
        let folders = try ExpertFolders(experts)
        let calibrated = try folders.load(for: model, at: modelOptions.model)
        for expert in wanted {
            guard let found = calibrated.experts.first(where: { $0.name == expert.name }) else {
                throw CommandFailure.refused("--experts has no \(expert.name), which the receipt names")
            }
            guard found.hash == expert.sha256 else {
                throw CommandFailure.refused(
                    "expert \(expert.name): its SHA-256 is \(found.hash), the receipt's is \(expert.sha256)")
            }
        }
        if calibrated.version.hex == version { return calibrated }
        let plain = try folders.load(for: model, at: modelOptions.model, isCalibrated: false)
        if plain.version.hex == version { return plain }
        throw CommandFailure.refused(
            "these experts are the set \(plain.version.hex), with their calibration \(calibrated.version.hex); the receipt's "
                + "is \(version): give exactly its experts, with its null scores and common expert")
    }

    private func leavingOut(_ route: RouteOptions, _ set: ExpertSet) throws -> RouteOptions {
        if let unknown = without.first(where: { !set.names.contains($0) }) {
            throw CommandFailure.usage("--without \(unknown): the experts are \(set.names.joined(separator: ", "))")
        }
        var rest = route
        rest.allowed = (route.allowed ?? Set(set.names)).subtracting(without)
        return rest
    }

    private static func generate(
        _ receipt: AnswerReceipt, _ model: LoadedModel, _ set: ExpertSet?, route: RouteOptions?
    ) throws -> Generation {
        let bank = set.map { RoutedExpertBank($0, rowsMax: EngineLimits().tokensPerStepMax, team: model.team) }
        var generation = try Generation(model, promptTokens: receipt.promptTokens, stop: receipt.stop, bank: bank)
        try generation.run(
            GenerationRequest(
                prompt: receipt.promptTokens, sampling: receipt.sampling.options, maxTokens: Int(receipt.maxTokens),
                endTokens: model.endTokens, topLogprobs: receipt.logprobs == nil ? nil : 0,
                route: route.map { RouteRequest($0) })
        ) { _ in }
        return generation
    }

    private func show(_ comparison: ReplayComparison, _ model: LoadedModel) throws {
        if json { try JSONOutput.print(comparison) } else { print(comparison.words(model.text.tokenizer)) }
        guard comparison.isEqual else {
            throw CommandFailure.failed(comparison.isEqual ? "" : "the replay differs from the receipt")
        }
    }
}

extension AnswerReceipt.SamplingValues {
    /// What a wire leaves at 0 is the default.
    var options: SamplingOptions {
        SamplingOptions(
            temperature: temperature, topK: Int(topK), topP: topP == 0 ? 1 : topP, minP: minP,
            repetitionPenalty: repetitionPenalty == 0 ? 1 : repetitionPenalty,
            repetitionWindow: repetitionWindow == 0 ? 64 : Int(repetitionWindow), seed: seed)
    }
}

extension AnswerReceipt.Route {
    var options: RouteOptions {
        get throws {
            RouteOptions(
                method: try RouteMethod(parsing: method), topK: Int(topK), temperature: temperature,
                null: try NullRule(parsing: null), common: try CommonShare(parsing: common),
                allowed: allowed.isEmpty ? nil : Set(allowed), biases: biases, weights: weights)
        }
    }
}
