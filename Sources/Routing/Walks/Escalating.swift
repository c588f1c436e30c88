import Deciding
import PortableMath

/// A complete answer that a cascade edge found too unsure; the client gets it after all where nobody does better.
struct HeldAnswer: Sendable {
    let node: String
    let reason: FinishReason
    let routed: RoutedTokens?
    private let records: [QueryRecord]

    init(_ query: QueryRecord, _ reason: FinishReason, _ routed: RoutedTokens?) {
        node = query.walk?.trace.node ?? query.node
        (self.reason, self.routed) = (reason, routed)
        var record = query
        (record.held, record.walk, record.attempts) = (nil, nil, [])
        records = [record]
    }

    var record: QueryRecord? { records.first }
}

/// Cascades: a cheap node answers first, another where the answer's own confidence is too low.
extension RoutingStateMachine {
    /// An answer is complete. Whether a cascade edge sends the query on instead of it.
    mutating func escalates(_ key: QueryKey, _ reason: FinishReason, _ routed: RoutedTokens?) -> Bool {
        guard let query = queries[key], let walk = query.walk, walk.stage == .answering, !walk.isSettled
        else { return false }
        guard walk.holds, let cascade = graph.nodes[walk.node]?.cascade, !query.logprobs.isEmpty else {
            queries[key]?.walk?.leave("answered", at: now)
            return false
        }
        let confidence = cascade.confidence(of: query.logprobs)
        guard confidence < cascade.threshold, isUp(cascade.to), isAllowed(cascade.to, key.identity), hasSteps(key)
        else {
            queries[key]?.walk?.leave("answered", confidence: confidence, at: now)
            return false
        }
        queries[key]?.endAttempt(.finished)
        queries[key]?.walk?.leave("unsure", confidence: confidence, at: now)
        queries[key]?.held = HeldAnswer(query, reason, routed)
        turn(key, to: .init(node: cascade.to, because: .escalated))
        return true
    }

    /// The node that was to do better came to nothing: what it was to better is the answer.
    mutating func settlesForHeld(_ key: QueryKey, _ kind: FailureKind) -> Bool {
        guard let held = queries[key]?.held, let record = held.record, kind != .cancelled, kind != .leaseExpired
        else { return false }
        let failed = queries[key]?.walk?.node ?? ""
        takeOut(key)
        let ticket = nextTicket
        nextTicket += 1
        queries.setPhase(.preparing(ticket: ticket), of: key)
        queries[key]?.held = nil
        queries[key]?.take(stageOf: record)
        queries.setPrompt(record.prompt, of: key)
        queries[key]?.walk?.settle(on: held.node, "kept, since \(failed) did not answer")
        directives.append(.revive(key, AnswerPart(node: held.node, tokens: record.tokens)))
        finish(key, held.reason, routed: held.routed)
        return true
    }

    /// Nobody has answered first, but one of the nodes holds an answer.
    mutating func settlesForBranch(_ key: QueryKey, _ kind: FailureKind) -> Bool {
        guard let fan = queries[key]?.walk?.fan, fan.how == .first else { return false }
        let holder = fan.places.map(key.branch).first { fan.isRunning($0) && queries[$0]?.held != nil }
        return holder.map { settlesForHeld($0, kind) } ?? false
    }

    /// What was kept back is the client's now.
    mutating func release(_ key: QueryKey) {
        guard queries[key]?.walk?.holds == true else { return }
        queries[key]?.walk?.holds = false
        if queries[key]?.topLogprobsAsked == 0 { queries[key]?.logprobs = [] }
        if let target = queries[key]?.target { sendReplay(key, from: 0, to: target) }
    }
}

extension GraphNode.Cascade {
    /// With l = 1/n Σ ln p: the geometric mean e^l of the tokens' probabilities, or the calibrated 1 / (1 + e^-(a l + b)).
    ///
    /// - Parameter logprobs: of the generated tokens; not empty.
    func confidence(of logprobs: [TokenLogprobs]) -> Double {
        let mean = logprobs.reduce(0.0) { $0 + Double($1.logprob) } / Double(logprobs.count)
        return calibration?.probability(meanLogprob: mean) ?? Elementary.exponential(mean)
    }
}
