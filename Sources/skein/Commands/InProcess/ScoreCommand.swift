import ArgumentParser
import Digest
import Foundation
import Gating
import Inference
import Messaging
import Tokenization

struct ScoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "score", abstract: "Measures how well a model predicts a text, and fingerprints its logits.",
        discussion: """
            A text is taken as it is: no chat template, special tokens in it are plain text. With --topology a running \
            cluster computes; equal fingerprints are equal bits, wherever models and experts are.
            """)

    @OptionGroup var modelOptions: ModelOptions
    @OptionGroup var expertOptions: ExpertOptions
    @OptionGroup var cluster: ClusterInstead
    @OptionGroup var capacityOption: CapacityOption
    @Option(name: .customLong("top-k"), parsing: .unconditional, help: "The same as --route-top-k.")
    var topK: Int?
    @Flag(help: "With --json: what every token chose at every linear layer.") var trace = false
    @Option(name: .customLong("text-file"), help: ArgumentHelp("A text.", valueName: "file")) var textFile: String?
    @Option(name: .customLong("ids-file"), help: ArgumentHelp("A JSON array of token ids.", valueName: "file"))
    var idsFile: String?
    @Option(name: .customLong("max-tokens"), parsing: .unconditional, help: "Use the first N tokens only.")
    var maxTokens: Int?
    @Flag(help: "Print one JSON object.") var json = false

    private struct Output: Encodable {
        /// Nats per predicted token.
        let meanNLL: Double
        /// Given tokens; one fewer is predicted.
        let tokens: Int
        let logitsSHA256: String
        /// Not known of a cluster.
        let compute: String?
        let numerics: String
        /// Only with --experts: how tokens were routed, and the version of the set.
        let route, experts: String?
        /// Only with --trace.
        let choices: [ChoiceJSON]?
        /// Only of a cluster: how often the text was begun, and the experts it went without.
        var attempts: UInt32? = nil
        var missingExperts: [QueryJSON.MissingJSON]? = nil
        /// Only of models with mixture layers, in this process.
        var mixture: MixtureJSON? = nil
    }

    func validate() throws {
        guard (textFile == nil) != (idsFile == nil) else {
            throw ValidationError("give one of --text-file and --ids-file")
        }
        if trace, !json { throw ValidationError("--trace needs --json") }
        if topK != nil, expertOptions.topK != nil {
            throw ValidationError("--top-k and --route-top-k are the same; give one")
        }
        try cluster.check(modelOptions, expertOptions, trace: trace)
        try capacityOption.check(cluster)
        if maxTokens != nil, cluster.isWanted, idsFile == nil {
            throw ValidationError("--max-tokens needs --ids-file or --model: a cluster's text is encoded by its router")
        }
        if let maxTokens, maxTokens < 2 {
            throw ValidationError("--max-tokens is \(maxTokens); fewer than 2 tokens predict nothing")
        }
    }

    func run() throws {
        let given = try idsFile.map { try Self.readIDs($0) }
        let bytes = try textFile.map { try InputFile.bytes($0) } ?? []
        if cluster.isWanted { return try show(ask(given, bytes)) }
        let model = try modelOptions.load()
        let all = given ?? model.text.encode(raw: String(decoding: bytes, as: UTF8.self), parseSpecial: false)
        let ids = Array(all.prefix(maxTokens ?? all.count))
        let progress = ThrottledProgress("scoring \(ids.count) tokens")
        let bank = try expertOptions.bank(for: model, at: modelOptions.model, rowsMax: LanguageModel.scoringChunk)
        let route = try expertOptions.options(topK: topK)
        let capacity = try capacityOption.mode(for: model, at: modelOptions.model)
        var choices: [TracedChoice] = []
        var mixture: MixtureJSON?
        let score = try model.weights.score(
            ids, team: model.team, bank: bank,
            route: bank == nil ? nil : RouteRequest(route, traces: trace),
            capacity: capacity, counted: { mixture = MixtureJSON($0, capacity) },
            progress: {
                progress.show(fraction: Double($0) / Double(ids.count))
                if trace, let bank { choices += bank.takeTrace(LanguageModel.scoredSequence) }
            })
        Terminal.endProgress()
        try show(
            Output(
                meanNLL: score.meanNLL, tokens: score.tokens, logitsSHA256: score.logitsSHA256.hex,
                compute: model.weights.mode.rawValue, numerics: model.weights.numericsID,
                route: bank == nil ? nil : route.description, experts: bank?.set.version.hex,
                choices: trace ? bank.map { ChoiceJSON.list(choices, model.weights, $0.set) } : nil,
                mixture: mixture))
    }

    private func ask(_ ids: [Int32]?, _ text: [UInt8]) throws -> Output {
        let prompt: Prompt =
            ids.map { .tokens(Array($0.prefix(maxTokens ?? $0.count))) } ?? .text(String(decoding: text, as: UTF8.self))
        let route = try cluster.route(expertOptions, topK: topK)
        let answer = try cluster.answer(
            to: Query(id: .random(), node: cluster.node ?? "", prompt: prompt, trace: true, route: route, score: true))
        guard let final = answer.final, let score = final.score else {
            throw CommandFailure.failed("the cluster answered without a score; its router is another version")
        }
        return Output(
            meanNLL: score.meanNLL, tokens: Int(score.tokens), logitsSHA256: Self.hex(score.logitsSHA256), compute: nil,
            numerics: final.receipt?.numerics ?? "",
            route: route.map { _ in "\(expertOptions.route ?? "the topology's")" },
            experts: nil, choices: nil, attempts: final.attempt,
            missingExperts: final.missing.isEmpty ? nil : final.missing.map { .init(expert: $0.expert, rows: $0.rows) })
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    private func show(_ output: Output) throws {
        if json { return try JSONOutput.print(output) }
        print(
            """
            mean NLL      \(output.meanNLL) nats per predicted token (perplexity \(exp(output.meanNLL)))
            tokens        \(output.tokens)
            logits        SHA-256 \(output.logitsSHA256)
            numerics      \(output.numerics)
            """)
        if let route = output.route, let experts = output.experts {
            print("route         \(route)\nexperts       SHA-256 \(experts)")
        }
        if let mixture = output.mixture, mixture.choices > 0 {
            print(
                "dropped       \(mixture.dropped) of \(mixture.choices) choices (\(mixture.capacity); --json has them by layer)"
            )
        }
        if let missing = output.missingExperts {
            Terminal.note("scored without experts that were chosen and that no worker held: \(missing.map(\.expert))")
        }
    }

    private static func readIDs(_ path: String) throws -> [Int32] {
        let data = Data(try InputFile.bytes(path))
        do { return try JSONDecoder().decode([Int32].self, from: data) } catch {
            throw CommandFailure.usage("\(path): not a JSON array of token ids (whole numbers of 32 bits)")
        }
    }
}
