import Inference

/// The experts of an evaluation with other gates: made of a few prompts of each, as `skein expert gate --from-prompts` makes them, without a
/// training step and without touching a file.
struct PromptedExperts {
    /// Of one prompt.
    private static let tokens = 128

    let model: LoadedModel
    /// Of each expert: the first of its train split.
    let prompts: Int
    /// What they are told from, likewise its train split.
    let general: String

    /// Nil where the folder has no set named like one of the experts.
    func set(_ sources: [ExpertSource], files: [String]) throws -> ExpertSet? {
        let maker = PromptGates(model: model)
        let other = try maker.means(of: read(general, documents: .max))
        var gated: [ExpertSource] = []
        for source in sources {
            guard let file = files.first(where: { $0.hasSuffix("/\(source.name).jsonl") }) else { return nil }
            let own = try maker.means(of: read(file, documents: prompts))
            gated.append(
                ExpertSource(
                    name: source.name, hash: "\(source.hash) \(prompts) prompts", adapter: source.adapter,
                    gates: maker.gates(own, minus: other, for: source.adapter)))
        }
        return try ExpertSet.load(gated, for: model.weights, team: model.team)
    }

    private func read(_ file: String, documents: Int) throws -> [[Int32]] {
        try TextSet(path: file, split: "train", documentsMax: documents, tokensMax: Self.tokens, text: model.text)
            .documents.map(\.ids)
    }
}
