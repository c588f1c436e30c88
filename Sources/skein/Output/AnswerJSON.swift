import Inference
import Messaging

/// A token's log probability and its most probable alternatives, as `--top-logprobs` reports them.
struct TokenLogprobsJSON: Encodable {
    struct Alternative: Encodable {
        let token: Int32
        /// Nats.
        let logprob: Float
    }

    let token: Int32
    /// Nats, under the model alone: before temperature, penalties and cuts.
    let logprob: Float?
    let top: [Alternative]

    static func of(_ tokens: [Int32], _ logprobs: [TokenLogprobs]) -> [TokenLogprobsJSON] {
        zip(tokens, logprobs).map { TokenLogprobsJSON(token: $0, $1) }
    }

    init(_ token: GeneratedToken) {
        self.token = token.id
        logprob = token.logprob
        top = token.alternatives.map { Alternative(token: $0.id, logprob: $0.logprob) }
    }

    init(token: Int32, _ logprobs: TokenLogprobs) {
        self.token = token
        logprob = logprobs.logprob
        top = logprobs.top.map { Alternative(token: $0.token, logprob: $0.logprob) }
    }
}
