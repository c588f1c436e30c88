import Messaging
import Routing
import Tokenization
import Topology

/// Makes a submission of a query from the wire: its node resolved, its stop strings read, its defaults filled in.
struct QueryReading {
    struct Accepted {
        let submission: Submission
        /// Nil for a node that no model of the cluster stands behind.
        let text: ModelText?
        let style: AnswerStyle
    }

    /// By model name.
    let texts: [String: ModelText]
    /// By name.
    var graph: [String: NodeEntry]
    /// Of these, the ones that queries walk from.
    var walking: Set<String>
    var defaultNode: String?
    let maxTokensDefault: Int
    /// Of models with experts.
    let routed: Set<String>

    func read(
        _ query: Messaging.Query, key: QueryKey, from connection: ClientConnection
    ) throws(RefusedQuery) -> Accepted {
        let node = try nodeName(query)
        let walks = walking.contains(node)
        let entry = try entry(node, identity: key.identity)
        let text = text(of: node)
        let model = entry.model ?? node
        if query.score { try checkScore(query) }
        if walks { try checkWalk(query) }
        let submission = Submission(
            key: key, connection: connection, digest: BodyDigest(of: query), node: node, model: model,
            prompt: walks ? .encoding : try prompt(query.prompt), sampling: Routing.Sampling(query.sampling),
            maxTokens: maxTokens(query, at: entry, walks: walks),
            topLogprobs: Int(query.topLogprobs), deadlineMilliseconds: query.deadlineMilliseconds,
            fromPosition: Int(query.fromPosition), wantsTrace: query.trace,
            route: walks ? nil : try route(query.route, of: model), score: query.score, walks: walks,
            currentNode: query.currentNode.isEmpty ? nil : query.currentNode)
        let style = AnswerStyle(
            vocabulary: text.map { .model($0.tokenizer) } ?? .bytes, stops: try stops(query.stop))
        return Accepted(submission: submission, text: text, style: style)
    }

    /// On a walk the node that answers has its say later.
    private func maxTokens(_ query: Messaging.Query, at entry: NodeEntry, walks: Bool) -> Int {
        if query.score { return 1 }
        let asked = query.maxTokens == 0 ? maxTokensDefault : Int(query.maxTokens)
        return walks ? asked : min(asked, entry.maxTokens ?? asked)
    }

    private func checkScore(_ query: Messaging.Query) throws(RefusedQuery) {
        guard query.maxTokens == 0, query.stop.isEmpty, query.topLogprobs == 0, query.fromPosition == 0 else {
            throw RefusedQuery(
                .invalidParameter,
                "a score has no answer: leave max_tokens, stop, top_logprobs and from_position unset")
        }
    }

    /// The nodes of an edited topology with the same models.
    mutating func take(_ topology: ClusterTopology) {
        graph = Dictionary(topology.nodes.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        walking = topology.walkingNodes
        defaultNode = topology.defaultNode
    }

    /// The vocabulary of the model at a node; nil for one that has none.
    func text(of node: String) -> ModelText? { graph[node]?.model.flatMap { texts[$0] } }

    private var known: String {
        graph.values.filter { $0.isEntry || $0.name == defaultNode }.map(\.name).sorted().joined(separator: ", ")
    }

    private func entry(_ name: String, identity: String) throws(RefusedQuery) -> NodeEntry {
        guard let entry = graph[name] else {
            throw RefusedQuery(.unknownNode, "no node is called \"\(name)\"; there are: \(known)")
        }
        guard entry.isEntry || name == defaultNode else {
            throw RefusedQuery(
                .unknownNode,
                "\"\(name)\" is reached through other nodes only (entry: true in the topology opens it); ask one of: \(known)"
            )
        }
        guard entry.clients?.contains(identity) ?? true else {
            throw RefusedQuery(.forbidden, "node \"\(name)\" is not for \(identity); its clients are in the topology")
        }
        return entry
    }

    /// What a walk cannot keep to, since each node has a model of its own.
    private func checkWalk(_ query: Messaging.Query) throws(RefusedQuery) {
        guard !query.score, query.route == nil else {
            throw RefusedQuery(
                .invalidParameter,
                "a query through the graph takes neither a score nor a route; ask one node of a model for it")
        }
        if case .tokens = query.prompt {
            throw RefusedQuery(
                .invalidParameter, "token ids mean something to one model only; send a query through the graph as text")
        }
        _ = try prompt(query.prompt)
    }

    private func nodeName(_ query: Messaging.Query) throws(RefusedQuery) -> String {
        if !query.node.isEmpty { return query.node }
        guard let defaultNode else {
            throw RefusedQuery(.unknownNode, "the topology has no default node; name one of: \(known)")
        }
        return defaultNode
    }

    /// A model without experts takes no route.
    private func route(_ route: Messaging.RouteOptions?, of model: String) throws(RefusedQuery) -> Routing.RouteOptions?
    {
        guard let route else { return nil }
        guard routed.contains(model) else {
            throw RefusedQuery(.invalidParameter, "\(model) has no experts to route to; leave the route out")
        }
        return Routing.RouteOptions(route)
    }

    private func prompt(_ prompt: Prompt?) throws(RefusedQuery) -> Submission.Prompt {
        switch prompt {
        case nil: throw RefusedQuery(.emptyPrompt, "the query has no prompt")
        case .tokens(let ids): return .tokens(ids)
        case .text(let text, _) where text.isEmpty: throw RefusedQuery(.emptyPrompt, "the prompt is empty")
        case .chat(let messages) where messages.allSatisfy(\.content.isEmpty):
            throw RefusedQuery(.emptyPrompt, "the conversation has no message with content")
        case .text, .chat: return .encoding
        }
    }

    private func stops(_ strings: [String]) throws(RefusedQuery) -> StopMatcher {
        do throws(TokenizationError) { return try StopMatcher(strings) } catch {
            throw RefusedQuery(.invalidParameter, error.description)
        }
    }
}

/// Why a query never reached the routing core.
struct RefusedQuery: Error {
    let kind: Messaging.FailureKind
    let message: String

    init(_ kind: Messaging.FailureKind, _ message: String) {
        self.kind = kind
        self.message = message
    }
}
