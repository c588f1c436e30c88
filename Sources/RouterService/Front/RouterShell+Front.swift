import Logging
import Messaging
import Routing
import Threading

// What clients say.
extension RouterShell {
    func receiveFront(_ received: Received) {
        let connection = ClientConnection(routingID: received.routingID)
        do throws(WireError) {
            let envelope = try Envelope(frames: received.frames)
            guard let identity = received.userID.flatMap(Identity.init(userID:)) else {
                return refuse(.forbidden, "the connection has no identity", to: connection)
            }
            receive(envelope, from: connection, identity)
        } catch {
            refuse(error.kind, error.description, to: connection)
        }
    }

    func refuseOversize(_ oversize: Oversize) {
        refuse(
            .oversize,
            "\(oversize.frames) frames of \(oversize.bytes) bytes; at most \(FrameLimits().framesMax) frames are read, and "
                + "\(FrameLimits().bytesMax) bytes",
            to: ClientConnection(routingID: oversize.routingID))
    }

    private func receive(_ envelope: Envelope, from connection: ClientConnection, _ identity: Identity) {
        switch envelope.message {
        case .query(let query):
            guard permit(.client, identity, connection, query: query.id) else { return }
            submit(query, from: connection, identity)
        case .cancel(let cancel):
            guard permit(.client, identity, connection, query: cancel.id) else { return }
            handle(.cancelled(QueryKey(identity: identity.name, id: .init(cancel.id)), from: connection))
        case .lease(let lease):
            guard permit(.client, identity, connection) else { return }
            handle(
                .leasesRenewed(identity: identity.name, ids: lease.ids.map(Routing.QueryID.init), from: connection))
        case .changeExperts(let change):
            guard permit(.operator, identity, connection, query: change.id) else { return }
            if change.change == .reloadGraph { return reloadGraph(change, from: connection) }
            self.change(change, from: connection)
        case .contentPart(let part):
            guard permit(.operator, identity, connection) else { return }
            takeContent(part, envelope.tensors, from: connection)
        case .statusRequest:
            let reply = StatusReply(
                machine.status(at: Self.now), cluster: cluster, uptimeMilliseconds: uptimeMilliseconds)
            answer(.statusReply(reply), to: connection)
        case .statisticsRequest(let request): answer(request, from: connection)
        case .routingRequest(let request):
            guard let report = routing.report(request) else {
                return refuse(
                    .invalidParameter,
                    "no token has been routed since this router started; ask a routed model something",
                    to: connection)
            }
            answer(.routingReport(report), to: connection)
        default:
            refuse(.forbidden, "this message has no business on the front socket", to: connection)
        }
    }

    /// An operator may do what a client may.
    private func permit(
        _ role: KeyRole, _ identity: Identity, _ connection: ClientConnection, query: Messaging.QueryID? = nil
    ) -> Bool {
        if identity.allows(role) || identity.allows(.operator) { return true }
        refuse(.forbidden, "the key of \(identity.name) is no \(role.rawValue)'s", to: connection, query: query)
        return false
    }

    private func submit(_ query: Messaging.Query, from connection: ClientConnection, _ identity: Identity) {
        let key = QueryKey(identity: identity.name, id: .init(query.id))
        do throws(RefusedQuery) {
            let accepted = try reading.read(query, key: key, from: connection)
            if let prompt = query.prompt {
                submitted = SubmittedQuery(key: key, prompt: prompt, text: accepted.text)
                if accepted.submission.walks, !machine.knows(key) {
                    walks.remember(key, WalkBook.Entry(prompt: prompt, stops: accepted.style.stops))
                }
            }
            // One that walks gets the style of the node that answers it.
            if !accepted.submission.walks || !machine.knows(key) { answers.remember(key, accepted.style) }
            handle(.submitted(accepted.submission))
            submitted = nil
            if !machine.knows(key) {
                answers.drop(key)
                walks.forget(key)
            }
        } catch {
            refuse(error.kind, error.message, to: connection, query: query.id)
        }
    }

    func refuse(
        _ kind: Messaging.FailureKind, _ message: String, to connection: ClientConnection,
        query: Messaging.QueryID? = nil
    ) {
        answer(.failure(Failure(id: query, kind: kind, message: message)), to: connection)
    }

    /// A reply that does not fit is tried again for a while; one that is given up is in the log.
    func answer(_ message: Messaging.Message, to connection: ClientConnection) {
        if replies.holds(for: connection) { return hold(message, for: connection) }
        switch port.send(Envelope(message), on: RouterDoor.front.index, to: connection.routingID) {
        case .sent: break
        case .full: hold(message, for: connection)
        case .unroutable: handle(.undeliverable(connection))
        }
    }

    private func hold(_ message: Messaging.Message, for connection: ClientConnection) {
        if replies.hold(message, for: connection, at: MonotonicClock.nowMicroseconds) { return }
        log.warning("a client reads none of its replies; one is dropped")
    }

    func retryReplies(nowMicroseconds: UInt64) {
        let dropped = replies.retry(at: nowMicroseconds) { message, connection in
            port.send(Envelope(message), on: RouterDoor.front.index, to: connection.routingID)
        }
        if dropped > 0 { log.warning("\(dropped) replies are dropped: their clients did not read them in time") }
    }
}
