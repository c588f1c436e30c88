import Messaging
import Routing
import Tokenization

/// Makes a submission of a query from the wire: its node resolved, its stop strings read, its defaults filled in.
struct QueryReading {
    struct Accepted {
        let submission: Submission
        let text: ModelText
        let style: AnswerStyle
    }

    /// By model name.
    let texts: [String: ModelText]
    /// Node name to model name.
    let nodes: [String: String]
    let defaultNode: String?
    let maxTokensDefault: Int
    /// Of models with experts.
    let routed: Set<String>

    func read(
        _ query: Messaging.Query, key: QueryKey, from connection: ClientConnection
    ) throws(RefusedQuery) -> Accepted {
        let node = try nodeName(query)
        guard let model = nodes[node], let text = texts[model] else {
            throw RefusedQuery(.unknownNode, "no node is called \"\(node)\"; there are: \(known)")
        }
        if query.score { try checkScore(query) }
        let submission = Submission(
            key: key, connection: connection, digest: BodyDigest(of: query), node: node, model: model,
            prompt: try prompt(query.prompt), sampling: Routing.Sampling(query.sampling),
            maxTokens: query.score ? 1 : query.maxTokens == 0 ? maxTokensDefault : Int(query.maxTokens),
            topLogprobs: Int(query.topLogprobs), deadlineMilliseconds: query.deadlineMilliseconds,
            fromPosition: Int(query.fromPosition), wantsTrace: query.trace,
            route: try route(query.route, of: model), score: query.score)
        let style = AnswerStyle(tokenizer: text.tokenizer, stops: try stops(query.stop))
        return Accepted(submission: submission, text: text, style: style)
    }

    private func checkScore(_ query: Messaging.Query) throws(RefusedQuery) {
        guard query.maxTokens == 0, query.stop.isEmpty, query.topLogprobs == 0, query.fromPosition == 0 else {
            throw RefusedQuery(
                .invalidParameter,
                "a score has no answer: leave max_tokens, stop, top_logprobs and from_position unset")
        }
    }

    private var known: String { nodes.keys.sorted().joined(separator: ", ") }

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
