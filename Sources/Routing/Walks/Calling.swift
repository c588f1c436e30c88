/// A query that a server outside the cluster answers.
package struct EndpointCall: Hashable, Sendable {
    package var query: QueryKey
    /// Names this call.
    package var ticket: UInt64
    package var node: String
    package var sampling: Sampling
    package var maxTokens: Int
    /// Remaining time.
    package var deadlineMilliseconds: UInt64
}

package enum EndpointEnding: Hashable, Sendable {
    case finished(FinishReason)
    /// `retryAfterMilliseconds`: what the server asked for; 0: nothing.
    case failed(message: String, retryAfterMilliseconds: UInt64)
}

/// Another server's token ids would mean nothing here, so each byte of its answer's UTF-8 text counts as a token: positions, replays and
/// retention then work as for any other answer.
extension RoutingStateMachine {
    /// A server that failed is passed over for this long, unless it says for how long itself.
    private static let downMilliseconds: UInt64 = 2000

    func calls(_ query: QueryRecord) -> Bool {
        guard let walk = query.walk, walk.stage == .answering else { return false }
        return graph.nodes[walk.node]?.work == .endpoint
    }

    mutating func call(_ key: QueryKey) {
        guard let node = queries[key]?.walk?.node else { return }
        let ticket = nextTicket
        nextTicket += 1
        queries.setPhase(.calling(ticket: ticket), of: key)
        let (moment, bytesMax) = (now, limits.generatedTokensMax)
        queries[key]?.queuedAt = moment
        queries[key]?.maxTokens = bytesMax
        queries[key]?.beginAttempt(on: node, at: moment)
        guard let query = queries[key] else { return }
        timers.set(.query(key), to: query.nextMoment)
        directives.append(
            .call(
                EndpointCall(
                    query: key, ticket: ticket, node: node, sampling: query.sampling, maxTokens: query.maxTokensAsked,
                    deadlineMilliseconds: query.stageDeadline.milliseconds(from: now))))
    }

    mutating func hear(_ key: QueryKey, ticket: UInt64, _ bytes: [UInt8]) {
        guard let query = queries[key], query.phase == .calling(ticket: ticket), !bytes.isEmpty else { return }
        let position = query.tokens.count
        guard position + bytes.count <= query.maxTokens else {
            return fail(key, .endpointFailed, "\(query.model) sent more than \(query.maxTokens) bytes")
        }
        let tokens = bytes.map { Int32($0) }
        queries[key]?.append(tokens[...], logprobs: [], at: now)
        let key = adopt(key)
        guard let query = queries[key] else { return }
        let hides = query.walk?.hides == true
        let isHeldBack = hides || (query.target.map { holdBack(key, from: position, for: $0) } ?? false)
        directives.append(
            .advance(
                Advance(
                    query: key, attempt: query.attempts.count, position: position, tokens: tokens, logprobs: [],
                    connection: isHeldBack ? nil : query.target)))
    }

    /// - Parameter milliseconds: for so long; 0: as long as usual.
    mutating func passOver(_ endpoint: String, milliseconds: UInt64 = 0) {
        let pause = milliseconds == 0 ? Self.downMilliseconds : min(milliseconds, 600_000)
        endpointsDownUntil[endpoint] = now.advanced(byMilliseconds: pause)
    }

    mutating func endCall(_ key: QueryKey, ticket: UInt64, _ ending: EndpointEnding) {
        guard let query = queries[key], query.phase == .calling(ticket: ticket) else { return }
        // Nobody is to hang up on what has ended.
        let next = nextTicket
        nextTicket += 1
        queries.setPhase(.preparing(ticket: next), of: key)
        switch ending {
        case .finished(let reason):
            endpointsDownUntil[query.model] = nil
            finish(key, reason)
        case .failed(let message, let retry):
            passOver(query.model, milliseconds: retry)
            queries[key]?.endAttempt(.failed)
            fail(key, .endpointFailed, message, retryAfterMilliseconds: retry)
        }
    }
}
