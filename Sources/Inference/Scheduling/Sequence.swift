import Deciding

/// An admitted request and how far it has come.
package struct Sequence {
    package let id: SequenceID
    package let sampling: SamplingOptions
    package let endTokens: Set<Int32>
    package let topLogprobs: Int?
    /// Of the first tokens, how many of the last an earlier attempt generated.
    package let generatedBefore: Int
    /// No token is generated; every position's logits are wanted.
    package let scores: Bool
    /// As the request asked; nil: by the bank's default.
    let route: RouteRequest?
    /// Of a master.
    package let task: MasterTask?
    /// Of a rewrite: where it stands.
    package var grammar: RewriteGrammar?
    /// Prompt and generated tokens; the index is the absolute position.
    package var tokens: [Int32]
    /// Tokens of the request's own prompt, without what an earlier attempt generated.
    package let promptTokens: Int
    /// `tokens.count` at which the sequence ends: by `maxTokens` or by the context.
    package let tokensMax: Int
    package let endsByContext: Bool
    /// How many tokens have their keys and values in the cache.
    package var computed = 0
    /// Cache pages in order of position, taken as they are needed.
    package var pages: [Int32] = []

    package init(id: SequenceID, request: GenerationRequest, contextMax: Int) {
        self.id = id
        sampling = request.sampling
        endTokens = request.endTokens
        topLogprobs = request.topLogprobs
        generatedBefore = request.generatedBefore
        scores = request.scores
        route = request.route
        task = request.task
        tokens = request.prompt
        promptTokens = request.prompt.count - request.generatedBefore
        let wanted = request.prompt.count - request.generatedBefore + request.maxTokens
        tokensMax = min(wanted, contextMax)
        endsByContext = wanted > contextMax
        tokens.reserveCapacity(tokensMax)
    }

    /// One token is left to compute and it is the newest: the sequence generates. Otherwise it still reads its prompt.
    package var isDecoding: Bool { computed + 1 == tokens.count && computed > 0 && !scores }

    /// Positions whose keys and values are ever stored: the last token's are not.
    package var cachedTokensMax: Int { tokensMax - 1 }
}
