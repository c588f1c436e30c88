/// Names one admitted request within one engine; never reused.
package struct SequenceID: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let number: UInt64

    package init(number: UInt64) { self.number = number }
    package static func < (a: SequenceID, b: SequenceID) -> Bool { a.number < b.number }
    package var description: String { "sequence \(number)" }
}

/// A prompt to continue.
package struct GenerationRequest: Sendable, Equatable {
    /// Token ids; when an earlier attempt got somewhere, followed by what it generated.
    package var prompt: [Int32]
    /// How many of the prompt's last tokens an earlier attempt generated. They count towards `maxTokens`; the draw
    /// depends on the absolute position only, so the continuation is what the earlier attempt would have given.
    package var generatedBefore: Int
    package var sampling: SamplingOptions
    /// Bound on generated tokens, those of earlier attempts included.
    package var maxTokens: Int
    /// Tokens that end the answer; they are reported in the finish reason, not as tokens.
    package var endTokens: Set<Int32>
    /// nil: no log probabilities. Otherwise each token carries its own and this many most likely alternatives.
    package var topLogprobs: Int?
    /// How its tokens find experts; nil: as the bank's default says.
    package var route: RouteRequest?
    /// Generate nothing: the sequence ends with the score of its prompt.
    package var scores: Bool
    /// Of a master.
    package var task: MasterTask?

    package init(
        prompt: [Int32], generatedBefore: Int = 0, sampling: SamplingOptions = .greedy, maxTokens: Int,
        endTokens: Set<Int32> = [], topLogprobs: Int? = nil, route: RouteRequest? = nil, scores: Bool = false,
        task: MasterTask? = nil
    ) {
        self.prompt = prompt
        self.generatedBefore = generatedBefore
        self.sampling = sampling
        self.maxTokens = maxTokens
        self.endTokens = endTokens
        self.topLogprobs = topLogprobs
        self.route = route
        self.scores = scores
        self.task = task
    }

    package static let topLogprobsMax = 64
}

/// Why `Engine.add` refused a request. Nothing was queued.
package enum AdmissionError: Error, Sendable, Equatable, CustomStringConvertible {
    case emptyPrompt
    case nothingToPredict
    case promptTooLong(tokens: Int, contextMax: Int)
    /// A capacity is counted over the whole prompt, which must fit one step.
    case promptNotWhole(tokens: Int, rowsMax: Int)
    case tokenOutOfVocabulary(id: Int32, at: Int, vocabulary: Int)
    case invalidSampling(SamplingOptionsError)
    case invalidMaxTokens(Int, contextMax: Int)
    case invalidGeneratedBefore(Int, prompt: Int, maxTokens: Int)
    case invalidTopLogprobs(Int)
    case exceedsCache(pages: Int, keyValuePagesMax: Int)
    case invalidRoute(RouteRefusal)
    case noMaster
    case queueFull(waitingMax: Int)

    package var description: String {
        switch self {
        case .nothingToPredict: "one token predicts nothing; give at least 2 to score"
        case .emptyPrompt: "the prompt is empty; give at least one token"
        case .promptTooLong(let tokens, let contextMax):
            "the prompt has \(tokens) tokens; with one token to generate at most \(contextMax - 1) fit the context"
        case .promptNotWhole(let tokens, let rowsMax):
            "the prompt has \(tokens) tokens; with a capacity it is computed in one step, which takes at most \(rowsMax): "
                + "shorten it, or use capacity dropless"
        case .tokenOutOfVocabulary(let id, let at, let vocabulary):
            "prompt token \(id) at index \(at) is outside the vocabulary 0 ..< \(vocabulary)"
        case .invalidSampling(let error): error.description
        case .invalidMaxTokens(let value, let contextMax):
            "maxTokens is \(value); it must be 1 ... \(contextMax), the context"
        case .invalidGeneratedBefore(let value, let prompt, let maxTokens):
            "generatedBefore is \(value); it must be at least 0, under the prompt's \(prompt) tokens "
                + "and under maxTokens, \(maxTokens)"
        case .invalidTopLogprobs(let value):
            "topLogprobs is \(value); it must be 0 ... \(GenerationRequest.topLogprobsMax)"
        case .invalidRoute(let refusal): refusal.description
        case .noMaster: "this model has no functional tokens, so it can neither decide nor rewrite"
        case .exceedsCache(let pages, let keyValuePagesMax):
            "the request needs \(pages) key/value pages and the cache has \(keyValuePagesMax); "
                + "shorten the prompt or maxTokens, or raise the cache's bound"
        case .queueFull(let waitingMax): "\(waitingMax) requests wait already; try again later"
        }
    }
}
