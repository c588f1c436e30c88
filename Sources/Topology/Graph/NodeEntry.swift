/// One entry of `nodes:` — something a query can reach. Without the list each model is a node of its name.
package struct NodeEntry: Equatable, Sendable {
    package let name: String
    package let kind: NodeKind
    /// What it is for, in words.
    package let summary: String?
    /// The vocabulary entry with which a master names it.
    package let functionalToken: String?
    /// Of one query, in a unit of the operator's choice; what counts is how nodes compare.
    package let cost: Float
    package let wants: QueryWording
    /// The least share with which a master chooses it; of a refusal, the share from which on it refuses.
    package let threshold: Float
    /// nil: the router's limits.
    package let maxTokens: Int?
    package let deadlineMilliseconds: Int?
    /// Of a model that may hand on: the folder of its adapter and functional tokens. Absolute.
    package let ownFolder: String?
    /// Whether clients may address it by name.
    package let isEntry: Bool
    /// The clients that it is for, by identity; nil: all.
    package let clients: [String]?
    package let line: Int
    let tokenLine: Int

    /// The model of the cluster that works at this node: answers, or decides.
    package var model: String? {
        switch kind {
        case .model(let name), .adapter(let name, _), .routed(let name): name
        case .master(let settings): settings.model
        case .endpoint, .refusal: nil
        }
    }

    /// Whether text may come of it.
    package var answers: Bool {
        switch kind {
        case .model, .adapter, .routed, .endpoint: true
        case .refusal, .master: false
        }
    }

    /// Where its functional tokens are: a master's, or a model's that may hand on.
    package var functionalFolder: String? {
        if case .master(let settings) = kind { return settings.folder }
        return ownFolder
    }

    package var isRefusal: Bool { kind.word == .refusal }
}

extension NodeEntry {
    static let sharedKeys = [
        "name", "kind", "description", "token", "cost", "wants", "threshold", "max_tokens", "deadline_milliseconds",
        "entry", "clients",
    ]
    static let keys =
        sharedKeys + ["model", "expert", "message"] + RemoteModel.keys.filter { $0 != "model" }
        + MasterSettings.keys.filter { $0 != "model" }
    static let countMax = 1024

    /// The node that a model is where no nodes are listed.
    init(standingFor model: ModelEntry) {
        self.init(
            name: model.name, kind: .model(name: model.name), summary: nil, functionalToken: nil, cost: 1,
            wants: .original, threshold: 0, maxTokens: nil, deadlineMilliseconds: nil, ownFolder: nil, isEntry: true,
            clients: nil,
            line: model.line,
            tokenLine: model.line)
    }

    /// Nil, with an issue, when a required key is missing or wrong.
    ///
    /// - Parameter inGraph: whether edges lead on; only there must an entry say that it is one.
    init?(reading section: Section, models: [ModelEntry], paths: ClusterPaths, inGraph: Bool) {
        let name = section.name("name", missing: "give the node a name that queries are addressed to")
        let word = section.choice("kind", default: NodeKind.Word.model)
        let kind = NodeKind(word, reading: section, models: models, paths: paths)
        summary = section.text("description")
        functionalToken = Self.token(section)
        cost = section.number("cost", in: 0...1_000_000, default: 1)
        wants = section.choice("wants", default: .original)
        threshold = section.number("threshold", in: 0...1, default: word == .refusal ? 0.5 : 0)
        maxTokens =
            section.has("max_tokens")
            ? section.integer("max_tokens", in: 1...1_048_576, default: 1, unit: "tokens") : nil
        deadlineMilliseconds =
            section.has("deadline_milliseconds")
            ? section.integer("deadline_milliseconds", in: 1...86_400_000, default: 1, unit: "ms") : nil
        ownFolder = word == .model ? section.text("folder").map(paths.resolved) : nil
        clients = section.has("clients") ? section.names("clients", countMax: 1024).map(\.name) : nil
        isEntry = section.flag("entry", default: !inGraph)
        line = section.line
        tokenLine = section.line(of: "token")
        guard let name, let kind else { return nil }
        self.name = name
        self.kind = kind
    }

    /// `<…>`, so that no word of a text is one, and without blanks and quotes, so that it is one piece everywhere.
    private static func token(_ section: Section) -> String? {
        guard let text = section.text("token") else { return nil }
        let inner = text.dropFirst().dropLast()
        guard text.hasPrefix("<"), text.hasSuffix(">"), (1...62).contains(inner.utf8.count),
            inner.unicodeScalars.allSatisfy({ $0.isASCII && $0.value > 0x20 && !"<>\"'`\\".unicodeScalars.contains($0) }
            )
        else {
            section.add(
                "token",
                "`\(text)` is no functional token; write <NAME> with 1 to 62 ASCII characters, no blanks or quotes")
            return nil
        }
        return text
    }
}
