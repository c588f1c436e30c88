/// What a node of the expert graph is.
package enum NodeKind: Equatable, Sendable {
    /// A whole model answers.
    case model(name: String)
    /// One expert beside its trunk answers.
    case adapter(model: String, expert: String)
    /// A model with experts answers, each token finding its own.
    case routed(model: String)
    /// A server outside the cluster answers.
    case endpoint(RemoteModel)
    /// Nobody answers: the client is told why.
    case refusal(message: String)
    /// Reads a query and names the node that answers it.
    case master(MasterSettings)

    package enum Word: String, Sendable, CaseIterable {
        case model, adapter, routed, endpoint, refusal, master

        /// The keys that only some kinds take.
        var keys: [String] {
            switch self {
            case .model: ["model", "folder"]
            case .routed: ["model"]
            case .adapter: ["model", "expert"]
            case .endpoint: RemoteModel.keys
            case .refusal: ["message"]
            case .master: MasterSettings.keys
            }
        }
    }

    package var word: Word {
        switch self {
        case .model: .model
        case .adapter: .adapter
        case .routed: .routed
        case .endpoint: .endpoint
        case .refusal: .refusal
        case .master: .master
        }
    }
}

/// Which wording of a query a node is sent.
package enum QueryWording: String, Equatable, Sendable, CaseIterable {
    case original, rewritten, both
}

extension NodeKind {
    /// Nil, with an issue, when a required key is missing or wrong.
    init?(_ word: Word, reading section: Section, models: [ModelEntry], paths: ClusterPaths) {
        Self.rejectKeys(of: word, section)
        switch word {
        case .model:
            guard let model = Self.model(section, models) else { return nil }
            self = .model(name: model.name)
        case .routed:
            guard let model = Self.model(section, models), Self.hasExperts(model, section) else { return nil }
            self = .routed(model: model.name)
        case .adapter:
            guard let (model, expert) = Self.adapter(section, models) else { return nil }
            self = .adapter(model: model, expert: expert)
        case .endpoint:
            guard let remote = RemoteModel(reading: section, paths: paths) else { return nil }
            self = .endpoint(remote)
        case .refusal:
            guard let message = section.requiredText("message", missing: "say what the client is told") else {
                return nil
            }
            self = .refusal(message: message)
        case .master:
            guard let model = Self.model(section, models),
                let settings = MasterSettings(reading: section, model: model.name, paths: paths)
            else { return nil }
            self = .master(settings)
        }
    }

    private static func rejectKeys(of word: Word, _ section: Section) {
        for key in NodeEntry.keys
        where section.has(key) && !NodeEntry.sharedKeys.contains(key) && !word.keys.contains(key) {
            let takers = Word.allCases.filter { $0.keys.contains(key) }.map(\.rawValue)
            section.add(key, "is for nodes of kind \(takers.joined(separator: ", ")), not \(word.rawValue); remove it")
        }
    }

    private static func model(_ section: Section, _ models: [ModelEntry]) -> ModelEntry? {
        guard let name = section.requiredText("model", missing: "name the model that answers here") else { return nil }
        guard let model = models.first(where: { $0.name == name }) else {
            let near = suggestion(for: name, among: models.map(\.name))
            section.add("model", "unknown model `\(name)`\(near); list it under models:")
            return nil
        }
        return model
    }

    private static func hasExperts(_ model: ModelEntry, _ section: Section) -> Bool {
        if model.experts == nil {
            section.add(
                "model", "`\(model.name)` has no experts; give it experts: under models:, or choose another model")
        }
        return model.experts != nil
    }

    private static func adapter(_ section: Section, _ models: [ModelEntry]) -> (String, String)? {
        let expert = section.requiredText("expert", missing: "name the expert that answers beside the trunk")
        guard let model = model(section, models), let expert, hasExperts(model, section), let experts = model.experts
        else { return nil }
        let known = experts.experts.map(\.name)
        guard known.contains(expert) else {
            section.add(
                "expert",
                "unknown expert `\(expert)` of `\(model.name)`\(suggestion(for: expert, among: known)); list it under the "
                    + "model's experts:")
            return nil
        }
        return (model.name, expert)
    }
}
