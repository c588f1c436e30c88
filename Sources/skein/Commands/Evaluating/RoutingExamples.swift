import Gating
import Inference

/// What two baselines take from the experts' own texts, their train splits: mean activations for `average`, and stored examples for
/// `retrieval`.
struct RoutingExamples {
    /// Of each expert.
    static let documents = 12
    private static let tokens = 128
    /// q/k/v, o, gate/up, down.
    private static let groupsPerLayer = 4

    private let model: LoadedModel
    /// The site group whose inputs are averaged to embeddings: the last layer's q, k, v, the deepest that every token has.
    private let group: Int
    private let embedder: ActivationMeter
    private let names: [String]
    /// By expert, in the order of `names`.
    private let texts: [TextSet]
    private let index: RetrievalIndex

    /// Nil where the folder has no set named like one of the experts.
    init?(_ names: [String], files: [String], _ model: LoadedModel) throws {
        let paths = names.sorted().compactMap { name in files.first { $0.hasSuffix("/\(name).jsonl") } }
        guard paths.count == names.count else { return nil }
        self.model = model
        self.names = names.sorted()
        texts = try paths.map {
            try TextSet(
                path: $0, split: "train", documentsMax: Self.documents, tokensMax: Self.tokens, text: model.text)
        }
        let group = model.weights.siteGroups.count - 1 - Self.groupsPerLayer
        let embedder = ActivationMeter(groups: [group], firstPosition: 1)
        (self.group, self.embedder) = (group, embedder)
        var embeddings: [[Float]] = []
        for text in texts {
            Terminal.progress("embedding examples of \(text.name)")
            embeddings.append(
                try text.documents.flatMap { try Self.embedding($0.ids, model, embedder, group) })
        }
        let width = model.weights.siteGroups[group].inputs
        do throws(RetrievalError) {
            index = try RetrievalIndex(embeddings: embeddings, width: width)
        } catch { throw CommandFailure.failed("the examples' embeddings: \(error)") }
        Terminal.endProgress()
    }

    private static func embedding(
        _ ids: [Int32], _ model: LoadedModel, _ meter: ActivationMeter, _ group: Int
    ) throws -> [Float] {
        _ = try model.weights.score(ids, team: model.team, bank: meter)
        return meter.takeMeans()[group] ?? []
    }

    /// The expert with the example that a document, all of it, is likest to.
    func nearest(to document: TextSet.Document) throws -> String? {
        let query = try Self.embedding(document.ids, model, embedder, group)
        return try index.nearest(to: query).map { names[$0.expert] }
    }

    /// The sources with mean activations: of every site, over the expert's own texts while it alone is active.
    func measured(_ sources: [ExpertSource]) throws -> [ExpertSource] {
        let set = try ExpertSet.load(sources, for: model.weights, team: model.team)
        let bank = RoutedExpertBank(set, rowsMax: LanguageModel.scoringChunk, team: model.team)
        let meter = ActivationMeter(inner: bank)
        defer { Terminal.endProgress() }
        return try sources.map { source in
            Terminal.progress("mean activations of \(source.name)")
            let route = RouteRequest(RouteOptions(method: .single(source.name)))
            for document in texts.first(where: { $0.name == source.name })?.documents ?? [] {
                _ = try model.weights.score(document.ids, team: model.team, bank: meter, route: route)
            }
            var source = source
            source.meanActivations = bySite(meter.takeMeans())
            return source
        }
    }

    private func bySite(_ means: [Int: [Float]]) -> [String: [Float]] {
        var sites: [String: [Float]] = [:]
        for group in model.weights.siteGroups {
            for linear in group.linears { sites[linear.site] = means[group.index] }
        }
        return sites
    }
}
