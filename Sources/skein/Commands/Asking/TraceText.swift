import Messaging

/// `skein query --trace`: where an answer's time went, per attempt and worker.
enum TraceText {
    static func of(_ answer: Answer) -> String {
        guard let final = answer.final else { return withoutFinal(answer) }
        let node = answer.node.map { " of node \($0)" } ?? ""
        let head =
            "query \(answer.id)\(node): \(final.usage.promptTokens) prompt tokens, "
            + "\(final.usage.generatedTokens) generated (\(final.finishReason))"
        let rows =
            [["attempt", "worker", "outcome", "tokens", "queue", "prefill", "decode", "tokens/s"]]
            + final.trace.map(row)
        return (WalkText.lines(answer.walk) + [head] + TextColumns.aligned(rows) + [total(final)] + receipt(final))
            .joined(separator: "\n")
    }

    /// A router tells the attempts of an answer, not those of a failure: what this process saw has to do.
    private static func withoutFinal(_ answer: Answer) -> String {
        let place = answer.accepted.map { " of node \($0.node): \($0.promptTokens) prompt tokens" } ?? ": not accepted"
        let attempt = answer.attempt.map { ", in attempt \($0)" } ?? ""
        let ending = answer.failure.map { "\($0.kind)" } ?? "no ending"
        let milliseconds = decimal(answer.elapsed / .milliseconds(1))
        let walk = WalkText.lines(answer.walk).map { $0 + "\n" }.joined()
        return walk + "query \(answer.id)\(place), \(answer.tokens.count) generated (\(ending))\n"
            + "ended after \(milliseconds) ms\(attempt)"
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
        let timings = final.timingsOfAttempts
        let known = timings.queue + timings.prefill + timings.decode
        // Of a walk, decisions and rewrites are attempts too, of which no token is the client's.
        let name = final.walk == nil ? "lost" : "other steps"
        let rest = final.trace.count > 1 ? ", \(name) \(milliseconds(timings.total - min(known, timings.total)))" : ""
        return "total \(milliseconds(timings.total)): queue \(milliseconds(timings.queue)), "
            + "prefill \(milliseconds(timings.prefill)), decode \(milliseconds(timings.decode))\(rest)"
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

extension Final {
    /// The router's timings; after a re-dispatch the sums over the attempts, where these came along: a second prefill is
    /// no decoding. What remains of the total went by without a token: until a lost worker was noticed, or in a walk's other steps.
    var timingsOfAttempts: Timings {
        guard trace.count > 1 else { return timings }
        return Timings(
            queue: trace.reduce(0) { $0 + $1.queueMicroseconds },
            prefill: trace.reduce(0) { $0 + $1.prefillMicroseconds },
            decode: trace.reduce(0) { $0 + $1.decodeMicroseconds }, total: timings.total)
    }
}
