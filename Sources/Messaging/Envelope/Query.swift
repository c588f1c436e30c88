import CEnvelope
import CProtobufC

/// What the model is to go on from.
package enum Prompt: Sendable, Equatable {
    /// Through the model's chat template.
    case chat([ChatMessage])
    /// No chat template. `parseSpecial` reads special tokens in the text; otherwise they are plain text.
    case text(String, parseSpecial: Bool = false)
    /// As they are.
    case tokens([Int32])
}

/// A request for an answer. Sent again with the same body it re-attaches (while running) or replays (while retained)
/// from token position `fromPosition`; with another body it fails with `idConflict`.
package struct Query: Sendable, Equatable {
    package var id: QueryID
    /// Empty: the topology's default node.
    package var node: String
    /// Nil on the wire is an empty prompt; the router refuses it.
    package var prompt: Prompt?
    package var sampling: Sampling
    /// 0: the topology's default.
    package var maxTokens: UInt32
    package var stop: [String]
    /// Remaining time; 0: the topology's default.
    package var deadlineMilliseconds: UInt64
    /// First generated token wanted, counted from 0.
    package var fromPosition: UInt32
    package var trace: Bool
    package var topLogprobs: UInt32
    /// Nil: the topology's defaults.
    package var route: RouteOptions?
    /// How well the model predicts the prompt, instead of an answer to it.
    package var score: Bool
    /// That answered this conversation last; empty: none.
    package var currentNode: String

    package init(
        id: QueryID, node: String = "", prompt: Prompt?, sampling: Sampling = Sampling(), maxTokens: UInt32 = 0,
        stop: [String] = [], deadlineMilliseconds: UInt64 = 0, fromPosition: UInt32 = 0, trace: Bool = false,
        topLogprobs: UInt32 = 0, route: RouteOptions? = nil, score: Bool = false, currentNode: String = ""
    ) {
        self.id = id
        self.node = node
        self.prompt = prompt
        self.sampling = sampling
        self.maxTokens = maxTokens
        self.stop = stop
        self.deadlineMilliseconds = deadlineMilliseconds
        self.fromPosition = fromPosition
        self.trace = trace
        self.topLogprobs = topLogprobs
        self.route = route
        self.score = score
        self.currentNode = currentNode
    }
}

extension Query {
    func encoded(_ arena: Arena) -> UnsafeMutablePointer<Skein__Query> {
        arena.message(skein__query__init) { c in
            c.id = arena.bytes(id.bytes)
            c.node = arena.text(node)
            encodePrompt(&c, arena)
            c.sampling = sampling.encoded(arena)
            c.max_tokens = maxTokens
            c.n_stop = stop.count
            c.stop = arena.list(stop) { arena.text($0) }
            c.deadline_milliseconds = deadlineMilliseconds
            c.from_position = fromPosition
            c.trace = trace ? 1 : 0
            c.top_logprobs = topLogprobs
            c.route = route?.encoded(arena)
            c.score = score ? 1 : 0
            c.current_node = arena.text(currentNode)
        }
    }

    private func encodePrompt(_ c: inout Skein__Query, _ arena: Arena) {
        switch prompt {
        case .chat(let messages):
            c.prompt_case = SKEIN__QUERY__PROMPT_CHAT
            c.chat = arena.message(skein__chat__init) { chat in
                chat.n_messages = messages.count
                chat.messages = arena.list(messages) { $0.encoded(arena) }
            }
        case .text(let text, let parseSpecial):
            c.prompt_case = SKEIN__QUERY__PROMPT_TEXT
            c.text = arena.text(text)
            c.parse_special = parseSpecial ? 1 : 0
        case .tokens(let ids):
            c.prompt_case = SKEIN__QUERY__PROMPT_TOKENS
            c.tokens = arena.message(skein__token_ids__init) { tokens in
                tokens.n_ids = ids.count
                tokens.ids = arena.list(ids) { $0 }
            }
        case nil: break
        }
    }

    init(_ c: Skein__Query) throws(WireError) {
        self.init(
            id: try readID(c.id, "Query.id"),
            node: try readText(c.node, "Query.node", max: WireLimits.nameBytesMax),
            prompt: try Self.readPrompt(c),
            sampling: try c.sampling.map { (message) throws(WireError) in try Sampling(message.pointee) } ?? Sampling(),
            maxTokens: c.max_tokens,
            stop: try readList(c.stop, c.n_stop, "Query.stop", max: WireLimits.stopsMax) { (text) throws(WireError) in
                try readText(text, "Query.stop", max: WireLimits.stopBytesMax)
            },
            deadlineMilliseconds: c.deadline_milliseconds,
            fromPosition: c.from_position,
            trace: c.trace != 0,
            topLogprobs: c.top_logprobs,
            route: try c.route.map { (message) throws(WireError) in try RouteOptions(message.pointee) },
            score: c.score != 0,
            currentNode: try readText(c.current_node, "Query.current_node", max: WireLimits.nameBytesMax))
    }

    private static func readPrompt(_ c: Skein__Query) throws(WireError) -> Prompt? {
        switch c.prompt_case {
        case SKEIN__QUERY__PROMPT_CHAT:
            guard let chat = c.chat?.pointee else { return nil }
            return .chat(
                try readMessages(
                    chat.messages, chat.n_messages, "Query.chat", max: WireLimits.chatMessagesMax, ChatMessage.init))
        case SKEIN__QUERY__PROMPT_TEXT:
            return .text(
                try readText(c.text, "Query.text", max: WireLimits.textBytesMax), parseSpecial: c.parse_special != 0)
        case SKEIN__QUERY__PROMPT_TOKENS:
            guard let tokens = c.tokens?.pointee else { return nil }
            return .tokens(try readList(tokens.ids, tokens.n_ids, "Query.tokens", max: WireLimits.tokensMax) { $0 })
        default: return nil
        }
    }
}
