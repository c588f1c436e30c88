import Evaluation
import ExpertStore
import Foundation
import Gating
import Inference
import Kernels
import Tokenization
import Topology
import Weights

/// A query, its node, and an answer that a person would call right.
struct ReferenceAnswer: Decodable {
    let node, query, answer: String

    static func read(_ path: String) throws -> [ReferenceAnswer] {
        let bytes = try InputFile.bytes(path, bytesMax: QuerySet.bytesMax)
        let answers = try bytes.split(separator: UInt8(ascii: "\n")).enumerated().map { index, line in
            guard let answer = try? JSONDecoder().decode(ReferenceAnswer.self, from: Data(line)),
                !answer.answer.isEmpty
            else {
                throw CommandFailure.usage(
                    "\(path), line \(index + 1): is no reference answer; write {\"node\", \"query\", \"answer\"}"
                )
            }
            return answer
        }
        guard !answers.isEmpty else { throw CommandFailure.usage("\(path): no reference answer in it") }
        return answers
    }
}

/// The nodes of a topology that share one model, in this process.
struct AnswerTrial {
    private let topology: ClusterTopology
    private let path: String
    private let modelName: String
    private let model: LoadedModel
    private let bank: RoutedExpertBank?
    private let tokensMax: Int

    init(topology path: String, general: String, tokensMax: Int, threads: Int?) throws {
        let topology = try ClusterTopology(contentsOf: path)
        guard let node = topology.nodes.first(where: { $0.name == general }), let name = node.model,
            let entry = topology.model(name)
        else {
            throw CommandFailure.usage(
                "\(path): the node \(general) has no model of this cluster; give --general")
        }
        self.topology = topology
        self.path = path
        self.tokensMax = tokensMax
        modelName = name
        let model = try LoadedModel.load(
            entry.file, mode: entry.compute == .exact ? .exact : .fast, threads: threads)
        self.model = model
        bank = try entry.experts.map { experts in
            let folders = experts.experts.map { "\(experts.store)/\($0.name)" }
            return RoutedExpertBank(
                try ExpertFolders(folders).load(for: model, at: entry.file),
                rowsMax: LanguageModel.scoringChunk,
                team: model.team)
        }
    }

    /// Σ -ln p over the answer's tokens and the end of the turn, given the query in the model's template.
    func losses(_ references: [ReferenceAnswer], under name: String) throws -> [DocumentLoss] {
        let route = try route(of: name)
        return try references.enumerated().map { index, reference in
            Terminal.progress("\(name): answer \(index + 1) of \(references.count)")
            let prompt = try model.text.encode([ChatMessage(.user, reference.query)])
            let answer = model.text.tokenizer.encode(reference.answer, parseSpecial: false).prefix(
                tokensMax)
            let limit = model.weights.configuration.contextLength
            let ids = Array((prompt + answer).prefix(limit))
            let score = try model.weights.score(ids, team: model.team, bank: bank, route: route)
            let nats = score.losses.dropFirst(prompt.count - 1).reduce(0, +)
            let own = ids.dropFirst(prompt.count)
            return DocumentLoss(
                nats: nats, tokens: own.count,
                bytes: model.text.tokenizer.decodeBytes(own, skippingSpecial: false).count)
        }
    }

    /// What a node answers, most likely token first, and the mean log-probability of its tokens; nil where it says nothing.
    func answer(_ query: String, under name: String) throws -> (text: String, meanLogprob: Double)? {
        let prompt = try model.text.encode([ChatMessage(.user, query)])
        var generation = try Generation(model, promptTokens: prompt, stop: [], bank: bank)
        try generation.run(
            GenerationRequest(
                prompt: prompt, maxTokens: tokensMax,
                endTokens: Set(model.weights.configuration.endTokens.map { Int32(clamping: $0) }), topLogprobs: 0,
                route: try route(of: name))
        ) { _ in }
        let logprobs = generation.tokens.compactMap(\.logprob).map(Double.init)
        guard !logprobs.isEmpty else { return nil }
        return (generation.text, logprobs.reduce(0, +) / Double(logprobs.count))
    }

    private func route(of name: String) throws -> RouteRequest? {
        guard let node = topology.nodes.first(where: { $0.name == name }) else {
            throw CommandFailure.usage("\(path): no node \(name)")
        }
        guard node.model == modelName, node.answers else {
            throw CommandFailure.usage(
                "\(path): `\(name)` does not answer with the model \(modelName); leave its answers out")
        }
        guard bank != nil else { return nil }
        switch node.kind {
        case .adapter(_, let expert): return RouteRequest(RouteOptions(method: .single(expert)))
        case .routed: return RouteRequest(try Self.options(topology.model(modelName)?.experts?.route))
        case .model, .endpoint, .refusal, .master: return RouteRequest(.off)
        }
    }

    private static func options(_ entry: RouteEntry?) throws -> RouteOptions {
        guard let entry else { return .off }
        do throws(RouteOptionsError) {
            return RouteOptions(
                method: try RouteMethod(parsing: entry.method), topK: entry.topK,
                temperature: entry.temperature,
                null: try NullRule(parsing: entry.null))
        } catch { throw CommandFailure.usage("the topology's \(error)") }
    }
}
