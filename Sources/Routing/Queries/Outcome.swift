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

    package init(modelSHA256: String, numerics: String, seed: UInt64) {
        self.modelSHA256 = modelSHA256
        self.numerics = numerics
        self.seed = seed
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

    package init(
        attempt: Int, finishReason: FinishReason, promptTokens: Int, generatedTokens: Int, timings: Timings,
        trace: [AttemptTrace] = [], receipt: Receipt? = nil, missing: [MissingExpert] = [],
        score: Score? = nil
    ) {
        self.attempt = attempt
        self.finishReason = finishReason
        self.promptTokens = promptTokens
        self.generatedTokens = generatedTokens
        self.timings = timings
        self.trace = trace
        self.receipt = receipt
        self.missing = missing
        self.score = score
    }
}

/// A query's one terminal state.
package enum Outcome: Hashable, Sendable {
    case answered(Final)
    case failed(Failure)
}
