package enum FinishReason: Int32, Hashable, Sendable {
    case endToken = 1
    case maxTokens = 2
    case stopString = 3
    case scored = 4
}

/// Microseconds, on the router's clock.
package struct Timings: Hashable, Sendable {
    /// Accepted until first dispatched.
    package var queue: UInt64 = 0
    /// First dispatched until the first token.
    package var prefill: UInt64 = 0
    /// First token until the last.
    package var decode: UInt64 = 0
    /// Accepted until ended.
    package var total: UInt64 = 0

    package init(queue: UInt64 = 0, prefill: UInt64 = 0, decode: UInt64 = 0, total: UInt64 = 0) {
        self.queue = queue
        self.prefill = prefill
        self.decode = decode
        self.total = total
    }
}

/// One dispatch of a query, as its trace tells it.
package struct AttemptTrace: Hashable, Sendable {
    package enum Outcome: String, Hashable, Sendable {
        case running, finished, workerLost, stalled, withdrawn, failed, refused
    }

    package var worker: String
    /// 1 for the first dispatch.
    package var attempt: Int
    /// The position of the first token that this attempt was to generate.
    package var firstPosition: Int
    package var tokens: Int
    package var queueMicroseconds: UInt64
    package var prefillMicroseconds: UInt64
    package var decodeMicroseconds: UInt64
    package var outcome: Outcome
}

/// What reproduces an answer, together with the query itself.
package struct Receipt: Hashable, Sendable {
    package var modelSHA256: String
    package var numerics: String
    package var seed: UInt64
    package var sampling: Sampling
    package var maxTokens: Int
    /// Its tokens.
    package var prompt: [Int32]

    package init(
        modelSHA256: String, numerics: String, seed: UInt64, sampling: Sampling = Sampling(), maxTokens: Int = 0,
        prompt: [Int32] = []
    ) {
        self.modelSHA256 = modelSHA256
        self.numerics = numerics
        self.seed = seed
        self.sampling = sampling
        self.maxTokens = maxTokens
        self.prompt = prompt
    }
}

/// How well a model predicts a prompt.
package struct Score: Hashable, Sendable {
    /// Nats per predicted token.
    package var meanNLL: Double
    package var tokens: Int
    /// Over the logits of every position.
    package var logitsSHA256: [UInt8]

    package init(meanNLL: Double, tokens: Int, logitsSHA256: [UInt8]) {
        self.meanNLL = meanNLL
        self.tokens = tokens
        self.logitsSHA256 = logitsSHA256
    }
}

/// An answer's end.
package struct Final: Hashable, Sendable {
    package var attempt: Int
    package var finishReason: FinishReason
    package var promptTokens: Int
    package var generatedTokens: Int
    package var timings: Timings
    /// Empty unless asked for.
    package var trace: [AttemptTrace]
    package var receipt: Receipt?
    package var missing: [MissingExpert]
    /// When a score was asked for.
    package var score: Score?
    /// Of a routed model, when a trace was asked for.
    package var routed: RoutedTokens?
    /// Of a query that went through the graph.
    package var walk: WalkTrace?
    package var relocated: [Relocation]
    package var drops: [LayerDrops]

    package init(
        attempt: Int, finishReason: FinishReason, promptTokens: Int, generatedTokens: Int, timings: Timings,
        trace: [AttemptTrace] = [], receipt: Receipt? = nil, missing: [MissingExpert] = [],
        score: Score? = nil, routed: RoutedTokens? = nil, walk: WalkTrace? = nil, relocated: [Relocation] = [],
        drops: [LayerDrops] = []
    ) {
        self.drops = drops
        self.relocated = relocated
        self.attempt = attempt
        self.finishReason = finishReason
        self.promptTokens = promptTokens
        self.generatedTokens = generatedTokens
        self.timings = timings
        self.trace = trace
        self.receipt = receipt
        self.missing = missing
        self.score = score
        self.routed = routed
        self.walk = walk
    }

    /// What it costs to keep what a trace adds.
    var traceByteCount: Int { 4 * (receipt?.prompt.count ?? 0) + (routed?.byteCount ?? 0) + (walk?.byteCount ?? 0) }
}

/// How the tokens of a query found their experts, as their worker told it at the end. The core passes it on.
package struct RoutedTokens: Hashable, Sendable {
    package var experts: [String]
    package var expertsSHA256: [String]
    package var setSHA256: String
    package var route: RouteOptions?
    package var firstPosition: UInt32
    /// Per token 1 + an expert's id, or 0.
    package var heaviest: [UInt32]
    package var shares: [Float]
    package var nullShares: [Float]

    package init(
        experts: [String], expertsSHA256: [String], setSHA256: String, route: RouteOptions?, firstPosition: UInt32,
        heaviest: [UInt32], shares: [Float], nullShares: [Float]
    ) {
        self.experts = experts
        self.expertsSHA256 = expertsSHA256
        self.setSHA256 = setSHA256
        self.route = route
        self.firstPosition = firstPosition
        self.heaviest = heaviest
        self.shares = shares
        self.nullShares = nullShares
    }

    var byteCount: Int { 12 * heaviest.count + 128 * experts.count }
}

/// A query's one terminal state.
package enum Outcome: Hashable, Sendable {
    case answered(Final)
    case failed(Failure)
}
