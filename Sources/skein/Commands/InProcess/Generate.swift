import ArgumentParser
import Client
import Digest
import Inference
import Messaging
import Tokenization
import Weights

struct Generate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Answers a prompt in this process, or with --topology through a running cluster.",
        discussion: "The prompt goes through the model's chat template unless --raw is given.")

    @OptionGroup var source: PromptSource
    @OptionGroup var modelOptions: ModelOptions
    @OptionGroup var expertOptions: ExpertOptions
    @OptionGroup var cluster: ClusterInstead
    @OptionGroup var sampling: SamplingFlags
    @OptionGroup var form: PromptForm
    @OptionGroup var capacityOption: CapacityOption
    @Flag(help: "With --json: what every token chose at every linear layer.") var trace = false
    @Flag(help: "Print one JSON object at the end instead of the text as it comes.") var json = false

    func validate() throws {
        if trace, !json { throw ValidationError("--trace needs --json") }
        try sampling.refuseTopLogprobs(unless: json)
        try cluster.check(modelOptions, expertOptions, trace: trace)
        try capacityOption.check(cluster)
    }

    func run() throws {
        let prompt = try source.text()
        if cluster.isWanted { return try ask(prompt) }
        let model = try modelOptions.load()
        let ids = try form.tokens(prompt, model.text)
        var generation = try Generation(
            model, promptTokens: ids, stop: sampling.stop,
            bank: try expertOptions.bank(
                for: model, at: modelOptions.model, rowsMax: EngineLimits().tokensPerStepMax),
            capacity: capacityOption.mode(for: model, at: modelOptions.model))
        try generation.run(request(ids, model)) { if !json { Terminal.write($0) } }
        guard json else { return Terminal.write("\n") }
        try JSONOutput.print(GenerationJSON(generation, model, ids, withLogprobs: sampling.topLogprobs > 0))
    }

    private func ask(_ prompt: String) throws {
        let query = Query(
            id: .random(), node: cluster.node ?? "", prompt: try form.wire(prompt), sampling: sampling.wire,
            maxTokens: UInt32(sampling.maxTokens ?? 0), stop: sampling.stop,
            topLogprobs: UInt32(sampling.topLogprobs), route: try cluster.route(expertOptions))
        let printsText = !json
        let answer = try cluster.answer(to: query) { event in
            if printsText, case .partial(let partial) = event { Terminal.write(partial.text) }
        }
        guard json else { return Terminal.write("\n") }
        try JSONOutput.print(QueryJSON(answer, withTrace: false, withLogprobs: sampling.topLogprobs > 0))
    }

    private func request(_ ids: [Int32], _ model: LoadedModel) throws -> GenerationRequest {
        // What was not asked for should not be what refuses a small context.
        let tokensMax =
            sampling.maxTokens
            ?? min(SamplingFlags.defaultMaxTokens, model.weights.configuration.contextLength)
        return GenerationRequest(
            prompt: ids, sampling: sampling.options, maxTokens: tokensMax, endTokens: model.endTokens,
            topLogprobs: sampling.topLogprobs > 0 ? sampling.topLogprobs : nil,
            route: expertOptions.experts.isEmpty ? nil : RouteRequest(try expertOptions.options(), traces: trace))
    }
}

/// `skein generate --json`.
private struct GenerationJSON: Encodable {
    struct Timings: Encodable {
        let loadMilliseconds, prefillMilliseconds, decodeMilliseconds: Double
        let prefillTokensPerSecond, decodeTokensPerSecond: Double
    }

    let promptTokens, tokens: [Int32]
    let text: String
    let finishReason: Generation.Ending?
    let timings: Timings
    let compute, numerics: String
    /// Only with --top-logprobs.
    let logprobs: [TokenLogprobsJSON]?
    /// Only with --experts: the version of the set.
    let experts: String?
    /// Only with --trace.
    let choices: [ChoiceJSON]?
    /// Only of models with mixture layers.
    let mixture: MixtureJSON?

    init(_ generation: Generation, _ model: LoadedModel, _ promptTokens: [Int32], withLogprobs: Bool) {
        self.promptTokens = promptTokens
        tokens = generation.tokens.map(\.id)
        text = generation.text
        finishReason = generation.ending
        compute = model.weights.mode.rawValue
        numerics = model.weights.numericsID
        logprobs = withLogprobs ? generation.tokens.map { TokenLogprobsJSON($0) } : nil
        experts = generation.bank?.set.version.hex
        choices =
            generation.trace.isEmpty
            ? nil : generation.bank.map { ChoiceJSON.list(generation.trace, model.weights, $0.set) }
        mixture = generation.mixture
        // The first token is the prefill's.
        let decoded = max(0, generation.tokens.count - 1)
        timings = Timings(
            loadMilliseconds: model.loading.milliseconds, prefillMilliseconds: generation.prefill.milliseconds,
            decodeMilliseconds: generation.decode.milliseconds,
            prefillTokensPerSecond: generation.prefill.perSecond(promptTokens.count),
            decodeTokensPerSecond: generation.decode.perSecond(decoded))
    }
}

extension Duration {
    var milliseconds: Double { self / .milliseconds(1) }

    /// 0 when no time has passed.
    func perSecond(_ count: Int) -> Double { self > .zero ? Double(count) / (self / .seconds(1)) : 0 }
}
