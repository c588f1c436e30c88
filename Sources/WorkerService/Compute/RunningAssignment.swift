import Inference
import Messaging

/// Times and positions of one assignment while its sequence runs.
struct RunningAssignment {
    let assignment: Assignment
    let startedMicroseconds: UInt64
    private(set) var firstTokenMicroseconds: UInt64?
    /// Of the query, earlier attempts' included.
    private(set) var generatedTokens: Int
    private var tokens: [Int32] = []
    /// Where a trace was asked for.
    var routed: RoutedTokensTally?
    /// Experts whose worker was lost while it ran: by expert, the last such worker.
    var lost: [String: String] = [:]

    /// Prompt and answer.
    var text: [Int32] { assignment.request.prompt + tokens }

    init(_ assignment: Assignment, startedMicroseconds: UInt64) {
        self.assignment = assignment
        self.startedMicroseconds = startedMicroseconds
        generatedTokens = assignment.request.generatedBefore
    }

    mutating func generated(_ token: GeneratedToken, at now: UInt64) -> Generated {
        if firstTokenMicroseconds == nil { firstTokenMicroseconds = now }
        generatedTokens += 1
        tokens.append(token.id)
        return Generated(
            assignment: assignment.id, position: UInt32(token.position - assignment.promptTokens), tokens: [token.id],
            logprobs: token.logprob.map { [Self.logprobs($0, token.alternatives)] } ?? [])
    }

    func ended(
        _ kind: EndKind, _ message: String = "", missing: [MissingExpert] = [],
        relocated: [Relocation] = [], drops: [LayerDrops] = [], score: Messaging.Score? = nil, at now: UInt64
    ) -> Ended {
        let firstToken = firstTokenMicroseconds ?? now
        return Ended(
            assignment: assignment.id, kind: kind, message: message,
            prefillMicroseconds: firstToken - startedMicroseconds, decodeMicroseconds: now - firstToken,
            missing: missing, generatedTokens: UInt32(clamping: generatedTokens), score: score, routed: routed?.wire,
            relocated: relocated, drops: drops)
    }

    private static func logprobs(_ chosen: Float, _ alternatives: [TokenLogprob]) -> TokenLogprobs {
        TokenLogprobs(logprob: chosen, top: alternatives.map { Alternative(token: $0.id, logprob: $0.logprob) })
    }
}
