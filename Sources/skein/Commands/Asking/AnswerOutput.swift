import Client
import Messaging

/// `skein query --json`.
struct QueryJSON: Encodable {
    /// All in microseconds, measured by the router.
    struct TimingsJSON: Encodable {
        let queueMicroseconds, prefillMicroseconds, decodeMicroseconds, totalMicroseconds: UInt64
    }

    struct AttemptJSON: Encodable {
        let worker, outcome: String
        let attempt, firstPosition, tokens: UInt32
        let queueMicroseconds, prefillMicroseconds, decodeMicroseconds: UInt64
    }

    struct ReceiptJSON: Encodable {
        let modelSHA256, numerics: String
        let seed: UInt64
    }

    struct MissingJSON: Encodable {
        let expert: String
        /// (token, site) pairs that chose it and went without.
        let rows: UInt64
    }

    struct FailureJSON: Encodable {
        let kind, message: String
        let retryAfterMilliseconds: UInt64
        let tokensSent: UInt32
    }

    /// Only with --stream: "end".
    let event: String?
    let id: String
    let node: String?
    let promptTokens: UInt32?
    let tokens: [Int32]
    let text: String
    let finishReason: String?
    let attempts: UInt32?
    let timings: TimingsJSON?
    let trace: [AttemptJSON]?
    let receipt: ReceiptJSON?
    let logprobs: [TokenLogprobsJSON]?
    /// Experts that were chosen while no worker held them.
    let missingExperts: [MissingJSON]?
    /// Experts whose worker was lost meanwhile.
    let relocatedExperts: [RelocatedJSON]?
    /// Of a model under a capacity, by mixture layer: what it dropped of the prompt.
    let drops: [DropsJSON]?
    let failure: FailureJSON?
    /// With --trace, of a query that went through the graph of nodes.
    let walk: WalkJSON?

    init(_ answer: Answer, event: String? = nil, withTrace: Bool, withLogprobs: Bool) {
        let final = answer.final
        self.event = event
        id = answer.id.description
        node = answer.node
        promptTokens = final?.usage.promptTokens ?? answer.accepted?.promptTokens
        tokens = answer.tokens
        text = answer.text
        finishReason = final.map { "\($0.finishReason)" }
        attempts = final?.attempt ?? answer.accepted?.attempt
        timings = final.map { .init($0.timingsOfAttempts) }
        trace = withTrace ? final?.trace.map { .init($0) } : nil
        receipt = final?.receipt.map { .init(modelSHA256: $0.modelSHA256, numerics: $0.numerics, seed: $0.seed) }
        logprobs = withLogprobs ? TokenLogprobsJSON.of(answer.tokens, answer.logprobs) : nil
        missingExperts = final.flatMap {
            $0.missing.isEmpty ? nil : $0.missing.map { .init(expert: $0.expert, rows: $0.rows) }
        }
        walk = withTrace ? answer.walk.map(WalkJSON.init) : nil
        relocatedExperts = final.flatMap {
            $0.relocated.isEmpty ? nil : $0.relocated.map(RelocatedJSON.init)
        }
        drops = final.flatMap { $0.drops.isEmpty ? nil : $0.drops.map(DropsJSON.init) }
        failure = answer.failure.map {
            .init(
                kind: "\($0.kind)", message: $0.message, retryAfterMilliseconds: $0.retryAfterMilliseconds,
                tokensSent: $0.tokensSent)
        }
    }
}

/// An expert whose worker was lost while the answer was made.
struct RelocatedJSON: Encodable {
    let expert, lostWorker: String
    /// Nil: nobody.
    let worker: String?
    /// "replica", "reloaded" from the store, or "missing".
    let by: String

    init(_ relocation: Relocation) {
        expert = relocation.expert
        lostWorker = relocation.from
        worker = relocation.to.isEmpty ? nil : relocation.to
        by = relocation.to.isEmpty ? "missing" : relocation.reloaded ? "reloaded" : "replica"
    }
}

extension QueryJSON.TimingsJSON {
    init(_ timings: Timings) {
        self.init(
            queueMicroseconds: timings.queue, prefillMicroseconds: timings.prefill, decodeMicroseconds: timings.decode,
            totalMicroseconds: timings.total)
    }
}

extension QueryJSON.AttemptJSON {
    init(_ attempt: TraceAttempt) {
        self.init(
            worker: attempt.worker, outcome: attempt.outcome, attempt: attempt.attempt,
            firstPosition: attempt.firstPosition, tokens: attempt.tokens, queueMicroseconds: attempt.queueMicroseconds,
            prefillMicroseconds: attempt.prefillMicroseconds, decodeMicroseconds: attempt.decodeMicroseconds)
    }
}

/// What an answer had to do without.
enum MissingText {
    static func of(_ answer: Answer) -> String? {
        guard let missing = answer.final?.missing, !missing.isEmpty else { return nil }
        let list = missing.map { "\($0.expert) (\($0.rows) times)" }.joined(separator: ", ")
        return "answered without experts that were chosen and that no worker held: \(list)"
    }
}

/// Who took over from a worker that was lost.
enum RelocatedText {
    static func of(_ answer: Answer) -> String? {
        guard let relocated = answer.final?.relocated, !relocated.isEmpty else { return nil }
        let lost = Set(relocated.map(\.from)).sorted().joined(separator: ", ")
        let list = relocated.map { entry in
            switch (entry.to.isEmpty, entry.reloaded) {
            case (true, _): "\(entry.expert) (nobody)"
            case (_, true): "\(entry.expert) (read from the store by \(entry.to))"
            case (_, false): "\(entry.expert) (\(entry.to) has it too)"
            }
        }
        return "\(lost) was lost meanwhile; its experts: \(list.joined(separator: ", "))"
    }
}

/// A line of `skein query --json --stream`; the last one is a `QueryJSON`.
struct QueryEventJSON: Encodable {
    let event, id: String
    let attempt: UInt32
    /// Of "accepted".
    let node: String?
    let promptTokens: UInt32?
    /// Of "partial": of its first token among the generated ones.
    let position: UInt32?
    let tokens: [Int32]?
    let text: String?
    let logprobs: [TokenLogprobsJSON]?

    /// Nil for an ending.
    init?(_ event: ClientEvent, of id: QueryID, withLogprobs: Bool) {
        self.id = id.description
        switch event {
        case .accepted(let accepted):
            (self.event, attempt) = ("accepted", accepted.attempt)
            (node, promptTokens) = (accepted.node, accepted.promptTokens)
            (position, tokens, text, logprobs) = (nil, nil, nil, nil)
        case .partial(let partial):
            (self.event, attempt) = ("partial", partial.attempt)
            (node, promptTokens) = (nil, nil)
            (position, tokens, text) = (partial.position, partial.tokens, partial.text)
            logprobs = withLogprobs ? TokenLogprobsJSON.of(partial.tokens, partial.logprobs) : nil
        case .final, .failure: return nil
        }
    }
}
