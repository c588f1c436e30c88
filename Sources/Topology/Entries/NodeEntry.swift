/// What a node of the expert graph is. Later kinds join here.
package enum NodeKind: Equatable, Sendable {
    /// A whole model answers.
    case model(name: String)
}

/// One entry of `nodes:` — something a query can be addressed to. Without the list each model is a node of its name.
package struct NodeEntry: Equatable, Sendable {
    package let name: String
    package let kind: NodeKind
    package let line: Int

    /// The model that answers at this node.
    package var model: String {
        switch kind {
        case .model(let name): name
        }
    }
}

extension NodeEntry {
    static let keys = ["name", "kind", "model"]
    static let countMax = 1024

    private enum Kind: String, CaseIterable {
        case model
    }

    /// Nil, with an issue, when a required key is missing or wrong.
    init?(reading section: Section, knownModels: [String]) {
        let name = section.name("name", missing: "give the node a name that queries are addressed to")
        _ = section.choice("kind", default: Kind.model)
        let model = section.requiredText("model", missing: "name the model that answers here")
        if let model, !knownModels.contains(model) {
            section.add(
                "model", "unknown model `\(model)`\(suggestion(for: model, among: knownModels)); list it under models:")
        }
        guard let name, let model else { return nil }
        self.init(name: name, kind: .model(name: model), line: section.line)
    }
}
