/// A query as the shell hands it in: decoded, its node resolved to a model, its sender authenticated.
package struct Submission: Sendable {
    package enum Prompt: Hashable, Sendable {
        case tokens([Int32])
        /// Text that another thread still has to encode. The query counts against every bound meanwhile and can be
        /// cancelled; the machine answers with `Directive.prepare` when it wants the encoding done.
        case encoding
    }

    package var key: QueryKey
    package var connection: ClientConnection
    package var digest: BodyDigest
    /// The topology's name for what was asked; `model` is what workers hold.
    package var node: String
    package var model: String
    package var prompt: Prompt
    package var sampling: Sampling
    package var maxTokens: Int
    package var topLogprobs: Int
    /// Remaining time; 0 stands for the configured default.
    package var deadlineMilliseconds: UInt64
    /// The first generated token wanted, counted from 0: what a re-attaching client already has.
    package var fromPosition: Int
    package var wantsTrace: Bool
    /// Nil: the model's defaults.
    package var route: RouteOptions?
    /// How well the model predicts the prompt, instead of an answer to it.
    package var score: Bool
    /// Through the graph, from `node` on.
    package var walks: Bool
    /// The node that answered this conversation last.
    package var currentNode: String?

    package init(
        key: QueryKey, connection: ClientConnection, digest: BodyDigest, node: String, model: String, prompt: Prompt,
        sampling: Sampling = Sampling(), maxTokens: Int, topLogprobs: Int = 0, deadlineMilliseconds: UInt64 = 0,
        fromPosition: Int = 0, wantsTrace: Bool = false, route: RouteOptions? = nil, score: Bool = false,
        walks: Bool = false, currentNode: String? = nil
    ) {
        self.key = key
        self.connection = connection
        self.digest = digest
        self.node = node
        self.model = model
        self.prompt = prompt
        self.sampling = sampling
        self.maxTokens = maxTokens
        self.topLogprobs = topLogprobs
        self.deadlineMilliseconds = deadlineMilliseconds
        self.fromPosition = fromPosition
        self.wantsTrace = wantsTrace
        self.route = route
        self.score = score
        self.walks = walks
        self.currentNode = currentNode
    }
}
