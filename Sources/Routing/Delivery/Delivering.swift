/// Messages to clients, and clients that do not take them.
extension RoutingStateMachine {
    mutating func deliver(_ message: Delivery.Message, about key: QueryKey, to connection: ClientConnection) {
        directives.append(.deliver(Delivery(connection: connection, query: key, message: message)))
    }

    /// Refuses a query that was not accepted, or a message about none.
    mutating func refuse(_ key: QueryKey, _ failure: Failure, to connection: ClientConnection) {
        if congestion.holdsBack(connection) { return holdBack(key, failure, for: connection) }
        deliver(.failure(failure), about: key, to: connection)
    }

    private mutating func holdBack(_ key: QueryKey, _ failure: Failure, for connection: ClientConnection) {
        let refusal = CongestionTable.Refusal(query: key, failure: failure)
        if !congestion.add(refusal, to: connection, at: now, max: limits.refusalsHeldMax) { count(.refusalsDropped) }
    }

    /// Whether this connection is congested; if so, what it misses from `position` on is written down.
    mutating func holdBack(_ key: QueryKey, from position: Int, for connection: ClientConnection) -> Bool {
        guard congestion.holdsBack(connection) else { return false }
        congestion.add(CongestionTable.Pending(query: key, position: position), to: connection, at: now)
        return true
    }

    mutating func sendAccepted(_ key: QueryKey) {
        guard let query = queries[key], let connection = query.target, !holdBack(key, from: 0, for: connection)
        else { return }
        let accepted = Accepted(
            attempt: query.attempt, promptTokens: query.prompt.count, node: query.node,
            leaseMilliseconds: configuration.leaseMilliseconds,
            deadlineMilliseconds: query.deadline.milliseconds(from: now))
        deliver(.accepted(accepted), about: key, to: connection)
    }

    func acceptance(of entry: Retention.Entry) -> Accepted {
        Accepted(
            attempt: entry.attempts, promptTokens: entry.promptTokens, node: entry.node,
            leaseMilliseconds: configuration.leaseMilliseconds, deadlineMilliseconds: 0)
    }

    /// Sends a running query's tokens from `position` on.
    mutating func sendReplay(_ key: QueryKey, from position: Int, to connection: ClientConnection) {
        guard let query = queries[key], query.walk?.hides != true else { return }
        let from = max(0, position)
        guard from < query.tokens.count, !holdBack(key, from: from, for: connection) else { return }
        let replay = Replay(attempt: query.attempt, tokens: query.tokens, logprobs: query.logprobs, from: from)
        deliver(.replay(replay), about: key, to: connection)
    }

    mutating func sendRetained(_ entry: Retention.Entry, from: Int, to connection: ClientConnection) {
        if from < entry.tokens.count {
            let replay = Replay(
                attempt: entry.attempts, tokens: entry.tokens, logprobs: entry.logprobs, from: from)
            deliver(.replay(replay), about: entry.key, to: connection)
        }
        deliver(entry.outcome.message, about: entry.key, to: connection)
    }
}

/// Congestion.
extension RoutingStateMachine {
    mutating func noteCongestion(
        of connection: ClientConnection, query key: QueryKey, position: Int, failure: Failure?
    ) {
        let isKnown = queries[key]?.target == connection || retention[key] != nil
        // A failure that is not the query's own ending refused something: a body, a lease, a cancellation.
        let refusal = failure.flatMap { retention[key]?.outcome == .failed($0) ? nil : $0 }
        guard isKnown || refusal != nil else { return }
        if congestion[connection] == nil {
            guard congestion.count < limits.congestedConnectionsMax else { return detach(connection) }
            count(.congestions)
            timers.set(
                .congestion(connection), to: now.advanced(byMilliseconds: configuration.congestionRetryMilliseconds))
        }
        if let refusal { return holdBack(key, refusal, for: connection) }
        congestion.add(CongestionTable.Pending(query: key, position: max(0, position)), to: connection, at: now)
    }

    mutating func retry(_ connection: ClientConnection) {
        congestion.noteProgress(connection, at: now)
        guard let state = congestion[connection] else { return }
        guard !state.isClear else { return congestion.remove(connection) }
        if now.microseconds(since: state.since) >= configuration.congestionMilliseconds * 1000 {
            return detach(connection)
        }
        let owed = congestion.takePending(connection)
        for refusal in owed.refusals { deliver(.failure(refusal.failure), about: refusal.query, to: connection) }
        for pending in owed.pending { resend(pending, to: connection) }
        timers.set(
            .congestion(connection), to: now.advanced(byMilliseconds: configuration.congestionRetryMilliseconds))
    }

    private mutating func resend(_ pending: CongestionTable.Pending, to connection: ClientConnection) {
        let key = pending.query
        if let query = queries[key] {
            guard query.target == connection, query.wasAccepted else { return }
            if pending.position == 0 { sendAccepted(key) }
            sendReplay(key, from: pending.position, to: connection)
        } else if let entry = retention[key] {
            if pending.position == 0 { deliver(.accepted(acceptance(of: entry)), about: key, to: connection) }
            sendRetained(entry, from: min(pending.position, entry.tokens.count), to: connection)
        }
    }

    /// Nobody is there: the connection's queries run on until somebody attaches, renews a lease, or the leases expire.
    mutating func detach(_ connection: ClientConnection) {
        for pending in congestion[connection]?.pending ?? [] { retention.setDelivered(pending.query, false) }
        congestion.remove(connection)
        timers.cancel(.congestion(connection))
        var detached = 0
        queries.updateAll { query in
            guard query.target == connection else { return }
            query.target = nil
            detached += 1
        }
        if detached > 0 { count(.detachments, by: detached) }
    }
}
