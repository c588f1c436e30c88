/// A query sent again, leases, cancellation: what a client does with a query it already has.
extension RoutingStateMachine {
    /// Whether the id is known, in which case all there is to do has been done.
    mutating func attach(_ submission: Submission) -> Bool {
        let key = submission.key
        guard let digest = queries[key]?.digest ?? retention[key]?.digest else { return false }
        guard digest == submission.digest else {
            count(.queriesRefused, model: submission.model, failure: .idConflict)
            let failure = Failure(.idConflict, "this id names a query with another body; choose a fresh random id")
            refuse(key, failure, to: submission.connection)
            return true
        }
        if queries[key] == nil { replay(submission) } else { reattach(submission) }
        return true
    }

    private mutating func reattach(_ submission: Submission) {
        let key = submission.key
        if let old = queries[key]?.target, old != submission.connection { congestion.drop(key, from: old) }
        queries[key]?.target = submission.connection
        queries[key]?.wantsTrace = submission.wantsTrace
        queries[key]?.leaseUntil = now.advanced(byMilliseconds: configuration.leaseMilliseconds)
        count(.queriesReattached, model: submission.model)
        guard queries[key]?.wasAccepted == true else { return }
        sendAccepted(key)
        sendReplay(key, from: submission.fromPosition, to: submission.connection)
    }

    private mutating func replay(_ submission: Submission) {
        guard let entry = retention[submission.key] else { return }
        count(.queriesReplayed, model: submission.model)
        let connection = submission.connection
        let from = min(max(0, submission.fromPosition), entry.tokens.count)
        retention.setDelivered(entry.key, true)
        guard !holdBack(entry.key, from: from, for: connection) else { return }
        deliver(.accepted(acceptance(of: entry)), about: entry.key, to: connection)
        sendRetained(entry, from: from, to: connection)
    }

    mutating func cancel(_ key: QueryKey, from connection: ClientConnection) {
        guard queries[key] != nil else {
            // A cancellation that crossed the ending on the wire needs no word.
            return retention[key] == nil ? refuseUnknown(key, to: connection) : ()
        }
        if queries[key]?.target == nil { queries[key]?.target = connection }
        fail(key, .cancelled, "cancelled by the client")
    }

    mutating func renew(_ identity: String, _ ids: [QueryID], from connection: ClientConnection) {
        let until = now.advanced(byMilliseconds: configuration.leaseMilliseconds)
        for id in ids.prefix(limits.leaseIDsMax) {
            let key = QueryKey(identity: identity, id: id)
            if queries[key] != nil {
                // The timer stays where it is and looks again when it fires: renewals are frequent.
                queries[key]?.leaseUntil = until
                if queries[key]?.target == nil { pickUp(key, on: connection) }
            } else if let entry = retention[key] {
                if !entry.isDelivered { pickUp(entry, on: connection) }
            } else {
                refuseUnknown(key, to: connection)
            }
        }
        guard ids.count > limits.leaseIDsMax else { return }
        let failure = Failure(
            .invalidParameter, "\(ids.count) leases in one message; at most \(limits.leaseIDsMax) are allowed")
        refuse(QueryKey(identity: identity, id: ids[limits.leaseIDsMax]), failure, to: connection)
    }

    /// Whoever renews a lease waits for the answer: a query that was detached, by congestion say, is delivered again.
    /// From the start, since nobody knows what arrived; the client passes over what it has.
    private mutating func pickUp(_ key: QueryKey, on connection: ClientConnection) {
        queries[key]?.target = connection
        guard queries[key]?.wasAccepted == true else { return }
        sendAccepted(key)
        sendReplay(key, from: 0, to: connection)
    }

    private mutating func pickUp(_ entry: Retention.Entry, on connection: ClientConnection) {
        retention.setDelivered(entry.key, true)
        guard !holdBack(entry.key, from: 0, for: connection) else { return }
        deliver(.accepted(acceptance(of: entry)), about: entry.key, to: connection)
        sendRetained(entry, from: 0, to: connection)
    }

    private mutating func refuseUnknown(_ key: QueryKey, to connection: ClientConnection) {
        let failure = Failure(.unknownQuery, "no query with this id runs or is retained for \(key.identity)")
        refuse(key, failure, to: connection)
    }
}
