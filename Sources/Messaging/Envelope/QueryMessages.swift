/// One turn of a conversation.
package struct ChatMessage: Sendable, Equatable {
    package var role: ChatRole
    package var content: String

    package init(role: ChatRole = .user, content: String = "") {
        self.role = role
        self.content = content
    }
}

/// How the next token is chosen. Zero values are the defaults that each line names.
package struct Sampling: Sendable, Equatable {
    /// 0: greedy.
    package var temperature: Float
    /// 0: off.
    package var topK: UInt32
    /// 1 or 0: off.
    package var topP: Float
    /// 0: off.
    package var minP: Float
    /// 1 or 0: off.
    package var repetitionPenalty: Float
    /// Tokens looked back at; 0: 64.
    package var repetitionWindow: UInt32
    package var seed: UInt64

    package init(
        temperature: Float = 0, topK: UInt32 = 0, topP: Float = 0, minP: Float = 0, repetitionPenalty: Float = 0,
        repetitionWindow: UInt32 = 0, seed: UInt64 = 0
    ) {
        self.temperature = temperature
        self.topK = topK
        self.topP = topP
        self.minP = minP
        self.repetitionPenalty = repetitionPenalty
        self.repetitionWindow = repetitionWindow
        self.seed = seed
    }
}

/// The query is in; its lease runs.
package struct Accepted: Sendable, Equatable {
    package var id: QueryID
    /// 1 for the first dispatch.
    package var attempt: UInt32
    package var promptTokens: UInt32
    package var node: String
    /// Renew within this time.
    package var leaseMilliseconds: UInt64
    /// Remaining time.
    package var deadlineMilliseconds: UInt64

    package init(
        id: QueryID, attempt: UInt32 = 0, promptTokens: UInt32 = 0, node: String = "",
        leaseMilliseconds: UInt64 = 0, deadlineMilliseconds: UInt64 = 0
    ) {
        self.id = id
        self.attempt = attempt
        self.promptTokens = promptTokens
        self.node = node
        self.leaseMilliseconds = leaseMilliseconds
        self.deadlineMilliseconds = deadlineMilliseconds
    }
}

/// A token that might have been.
package struct Alternative: Sendable, Equatable {
    package var token: Int32
    /// Nats.
    package var logprob: Float

    package init(token: Int32 = 0, logprob: Float = 0) {
        self.token = token
        self.logprob = logprob
    }
}

package struct TokenLogprobs: Sendable, Equatable {
    /// Nats, of the token chosen.
    package var logprob: Float
    package var top: [Alternative]

    package init(logprob: Float = 0, top: [Alternative] = []) {
        self.logprob = logprob
        self.top = top
    }
}

/// A piece of the answer.
package struct Partial: Sendable, Equatable {
    package var id: QueryID
    package var attempt: UInt32
    /// Of `tokens[0]` among the generated tokens.
    package var position: UInt32
    package var tokens: [Int32]
    /// Whole characters only; may lag behind the tokens.
    package var text: String
    package var logprobs: [TokenLogprobs]
    /// Bytes (UTF-8) of the answer's text before `text`.
    package var textOffset: UInt64

    package init(
        id: QueryID, attempt: UInt32 = 0, position: UInt32 = 0, tokens: [Int32] = [], text: String = "",
        logprobs: [TokenLogprobs] = [], textOffset: UInt64 = 0
    ) {
        self.id = id
        self.attempt = attempt
        self.position = position
        self.tokens = tokens
        self.text = text
        self.logprobs = logprobs
        self.textOffset = textOffset
    }
}

package struct Usage: Sendable, Equatable {
    package var promptTokens: UInt32
    package var generatedTokens: UInt32

    package init(promptTokens: UInt32 = 0, generatedTokens: UInt32 = 0) {
        self.promptTokens = promptTokens
        self.generatedTokens = generatedTokens
    }
}

/// Microseconds, measured by the router.
package struct Timings: Sendable, Equatable {
    /// Accepted until dispatched.
    package var queue: UInt64
    /// Dispatched until the first token.
    package var prefill: UInt64
    /// First token until the last.
    package var decode: UInt64
    package var total: UInt64

    package init(queue: UInt64 = 0, prefill: UInt64 = 0, decode: UInt64 = 0, total: UInt64 = 0) {
        self.queue = queue
        self.prefill = prefill
        self.decode = decode
        self.total = total
    }
}

/// What one worker did for a query.
package struct TraceAttempt: Sendable, Equatable {
    package var worker: String
    package var attempt: UInt32
    package var firstPosition: UInt32
    package var tokens: UInt32
    package var queueMicroseconds: UInt64
    package var prefillMicroseconds: UInt64
    package var decodeMicroseconds: UInt64
    /// "finished", "workerLost", "stalled" or "withdrawn".
    package var outcome: String

    package init(
        worker: String = "", attempt: UInt32 = 0, firstPosition: UInt32 = 0, tokens: UInt32 = 0,
        queueMicroseconds: UInt64 = 0, prefillMicroseconds: UInt64 = 0, decodeMicroseconds: UInt64 = 0,
        outcome: String = ""
    ) {
        self.worker = worker
        self.attempt = attempt
        self.firstPosition = firstPosition
        self.tokens = tokens
        self.queueMicroseconds = queueMicroseconds
        self.prefillMicroseconds = prefillMicroseconds
        self.decodeMicroseconds = decodeMicroseconds
        self.outcome = outcome
    }
}

/// What reproduces an answer.
package struct Receipt: Sendable, Equatable {
    /// Hexadecimal.
    package var modelSHA256: String
    /// Kernel version and mode.
    package var numerics: String
    package var seed: UInt64
    package var sampling: Sampling
    package var maxTokens: UInt32
    /// Its tokens; none where there are more than `WireLimits.receiptTokensMax`.
    package var prompt: [Int32]

    package init(
        modelSHA256: String = "", numerics: String = "", seed: UInt64 = 0, sampling: Sampling = Sampling(),
        maxTokens: UInt32 = 0, prompt: [Int32] = []
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
package struct Score: Sendable, Equatable {
    package static let digestBytes = 32

    /// Nats per predicted token: all but the first.
    package var meanNLL: Double
    /// Of the prompt.
    package var tokens: UInt32
    /// SHA-256 over the f32 logits of every position, in order, little-endian.
    package var logitsSHA256: [UInt8]

    package init(meanNLL: Double, tokens: UInt32, logitsSHA256: [UInt8]) {
        self.meanNLL = meanNLL
        self.tokens = tokens
        self.logitsSHA256 = logitsSHA256
    }
}

/// The answer is complete.
package struct Final: Sendable, Equatable {
    package var id: QueryID
    package var attempt: UInt32
    package var finishReason: FinishReason
    package var usage: Usage
    package var timings: Timings
    /// When asked for.
    package var trace: [TraceAttempt]
    /// When a trace was asked for.
    package var receipt: Receipt?
    package var missing: [MissingExpert]
    /// When a score was asked for.
    package var score: Score?
    /// Of a routed model, when a trace was asked for.
    package var routed: RoutedTokens?
    /// Of a query that went through the graph of nodes.
    package var walk: Walk?
    /// Experts whose worker was lost meanwhile.
    package var relocated: [Relocation]
    /// Of a model under a capacity, by mixture layer.
    package var drops: [LayerDrops]

    package init(
        id: QueryID, attempt: UInt32 = 0, finishReason: FinishReason = .endToken, usage: Usage = Usage(),
        timings: Timings = Timings(), trace: [TraceAttempt] = [], receipt: Receipt? = nil,
        missing: [MissingExpert] = [], score: Score? = nil, routed: RoutedTokens? = nil, walk: Walk? = nil,
        relocated: [Relocation] = [],
        drops: [LayerDrops] = []
    ) {
        self.drops = drops
        self.relocated = relocated
        self.id = id
        self.attempt = attempt
        self.finishReason = finishReason
        self.usage = usage
        self.timings = timings
        self.trace = trace
        self.receipt = receipt
        self.missing = missing
        self.score = score
        self.routed = routed
        self.walk = walk
    }
}

package struct Cancel: Sendable, Equatable {
    package var id: QueryID

    package init(id: QueryID) {
        self.id = id
    }
}

/// Renews each query's lease.
package struct Lease: Sendable, Equatable {
    package var ids: [QueryID]

    package init(ids: [QueryID] = []) {
        self.ids = ids
    }
}
