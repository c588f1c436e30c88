import ArgumentParser
import Evaluation
import ExpertStore
import Foundation
import Gating
import Inference
import Kernels
import Tokenization
import Topology
import Weights

struct EvalAnswers: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "answers",
        abstract: "Measures whether the right node answers better than the general one.",
        discussion: """
            JSON lines of {"node", "query", "answer"}: nats per token of the reference answer after the query, under the node and under \
            the general node, in pairs; intervals are 95 % bootstrap intervals over answers. Nodes that this process can run are \
            measured: models, adapters and routed models that share the general node's weights.
            """)

    @Option(help: ArgumentHelp("The topology.", valueName: "file")) var topology =
        "topology/octopus.yaml"
    @Option(help: ArgumentHelp("The reference answers.", valueName: "file")) var answers: String
    @Option(help: "The node that the others are compared with.") var general = "general"
    @Option(
        name: .customLong("max-tokens"), parsing: .unconditional,
        help: "Of each answer, its first N tokens.")
    var maxTokens = 128
    @Option(parsing: .unconditional, help: "Threads that compute.") var threads: Int?
    @Flag(help: "Print one JSON object.") var json = false

    struct Node: Encodable {
        let node: String
        let own, general: MeanLoss
        /// The node minus the general one; below 0 the node is better.
        let difference: PairedDifference
        let wins: Bool
    }

    struct Report: Encodable {
        let topology, answersFile, general: String
        let nodes: [Node]
    }

    func validate() throws {
        guard (1...100_000).contains(maxTokens) else {
            throw ValidationError("--max-tokens is \(maxTokens); it must be 1 ... 100000")
        }
        if let threads, !(1...ModelOptions.threadsMax).contains(threads) {
            throw ValidationError("--threads is \(threads); it must be 1 ... \(ModelOptions.threadsMax)")
        }
    }

    func run() throws {
        let references = try ReferenceAnswer.read(answers)
        let trial = try AnswerTrial(
            topology: topology, general: general, tokensMax: maxTokens, threads: threads)
        let bootstrap = Bootstrap()
        var nodes: [Node] = []
        var names: [String] = []
        for reference in references where !names.contains(reference.node) { names.append(reference.node) }
        for name in names {
            let own = references.filter { $0.node == name }
            let losses = try trial.losses(own, under: name)
            let others = try trial.losses(own, under: general)
            guard let mean = MeanLoss(losses, bootstrap: bootstrap),
                let other = MeanLoss(others, bootstrap: bootstrap),
                let difference = PairedDifference(losses, minus: others, bootstrap: bootstrap)
            else { continue }
            nodes.append(
                Node(
                    node: name, own: mean, general: other, difference: difference,
                    wins: difference.isSignificant && difference.mean < 0))
        }
        Terminal.endProgress()
        let report = Report(topology: topology, answersFile: answers, general: general, nodes: nodes)
        if json { return try JSONOutput.print(report) }
        let rows = nodes.map { node in
            [
                node.node, "\(node.own.documents)", BenchReport.decimals(node.own.perToken, 3),
                BenchReport.decimals(node.general.perToken, 3),
                BenchReport.decimals(node.difference.mean, 3),
                "\(BenchReport.decimals(node.difference.interval.low, 3)) to "
                    + BenchReport.decimals(node.difference.interval.high, 3), node.wins ? "yes" : "no",
            ]
        }
        print(
            TextColumns.aligned(
                [["node", "answers", "own", general, "difference", "95 %", "wins"]] + rows
            )
            .joined(separator: "\n"))
    }
}

/// A query, its node, and an answer that a person would call right.
private struct ReferenceAnswer: Decodable {
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
private struct AnswerTrial {
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
