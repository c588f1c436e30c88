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
    let failure: FailureJSON?

    init(_ answer: Answer, withTrace: Bool, withLogprobs: Bool) {
        let final = answer.final
        id = answer.id.description
        node = answer.accepted?.node
        promptTokens = final?.usage.promptTokens ?? answer.accepted?.promptTokens
        tokens = answer.tokens
        text = answer.text
        finishReason = final.map { "\($0.finishReason)" }
        attempts = final?.attempt ?? answer.accepted?.attempt
        timings = final.map { .init($0.timings) }
        trace = withTrace ? final?.trace.map { .init($0) } : nil
        receipt = final?.receipt.map { .init(modelSHA256: $0.modelSHA256, numerics: $0.numerics, seed: $0.seed) }
        logprobs = withLogprobs ? zip(answer.tokens, answer.logprobs).map { .init(token: $0, $1) } : nil
        missingExperts = final.flatMap {
            $0.missing.isEmpty ? nil : $0.missing.map { .init(expert: $0.expert, rows: $0.rows) }
        }
        failure = answer.failure.map {
            .init(
                kind: "\($0.kind)", message: $0.message, retryAfterMilliseconds: $0.retryAfterMilliseconds,
                tokensSent: $0.tokensSent)
        }
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

/// `skein query --trace`: where an answer's time went, per attempt and worker.
enum TraceText {
    static func of(_ answer: Answer) -> String? {
        guard let final = answer.final else { return nil }
        let node = answer.accepted.map { " of node \($0.node)" } ?? ""
        let head =
            "query \(answer.id)\(node): \(final.usage.promptTokens) prompt tokens, "
            + "\(final.usage.generatedTokens) generated (\(final.finishReason))"
        let rows =
            [["attempt", "worker", "outcome", "tokens", "queue", "prefill", "decode", "tokens/s"]]
            + final.trace.map(row)
        return ([head] + TextColumns.aligned(rows) + [total(final)] + receipt(final)).joined(separator: "\n")
    }

    private static func row(_ attempt: TraceAttempt) -> [String] {
        [
            "\(attempt.attempt)", attempt.worker, attempt.outcome, tokens(attempt),
            milliseconds(attempt.queueMicroseconds), milliseconds(attempt.prefillMicroseconds),
            milliseconds(attempt.decodeMicroseconds), rate(attempt),
        ]
    }

    private static func tokens(_ attempt: TraceAttempt) -> String {
        guard attempt.tokens > 0 else { return "none" }
        return "\(attempt.firstPosition)-\(UInt64(attempt.firstPosition) + UInt64(attempt.tokens) - 1)"
    }

    /// Of decoding: the first token is the prefill's.
    private static func rate(_ attempt: TraceAttempt) -> String {
        guard attempt.tokens > 1, attempt.decodeMicroseconds > 0 else { return "-" }
        return decimal(Double(attempt.tokens - 1) * 1e6 / Double(attempt.decodeMicroseconds))
    }

    private static func total(_ final: Final) -> String {
        let timings = final.timings
        return "total \(milliseconds(timings.total)): queue \(milliseconds(timings.queue)), "
            + "prefill \(milliseconds(timings.prefill)), decode \(milliseconds(timings.decode))"
    }

    private static func receipt(_ final: Final) -> [String] {
        guard let receipt = final.receipt else { return [] }
        return ["model \(receipt.modelSHA256), numerics \(receipt.numerics), seed \(receipt.seed)"]
    }

    private static func milliseconds(_ microseconds: UInt64) -> String {
        decimal(Double(microseconds) / 1000) + " ms"
    }

    private static func decimal(_ value: Double) -> String { "\((value * 10).rounded() / 10)" }
}

/// Columns for a terminal: each as wide as its widest cell, two blanks between.
enum TextColumns {
    static func aligned(_ rows: [[String]]) -> [String] {
        let count = rows.map(\.count).max() ?? 0
        let widths = (0..<count).map { column in rows.compactMap { $0.dropFirst(column).first?.count }.max() ?? 0 }
        return rows.map { row in
            zip(row, widths).map { cell, width in cell + String(repeating: " ", count: width - cell.count) }
                .joined(separator: "  ")
        }
    }
}
