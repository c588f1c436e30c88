import Routing

/// Events and directives as one line each, for the log of a failing seed.
enum Describing {
    static func line(_ event: Event) -> String {
        switch event {
        case .tick: "tick"
        case .drain: "drain"
        case .submitted(let one): "submitted \(name(one.key)) for \(one.model) from \(one.fromPosition)"
        case .prepared(let key, _, let prompt, _): "prepared \(name(key)): \(prompt.count) tokens"
        case .preparationFailed(let key, _, _): "preparation of \(name(key)) failed"
        case .cancelled(let key, _): "cancelled \(name(key))"
        case .leasesRenewed(let identity, let ids, _): "leases of \(identity): \(ids.map(\.low))"
        case .stopped(let key, let keep): "stopped \(name(key)), keep \(keep)"
        case .undeliverable(let connection): "undeliverable \(connection.routingID)"
        case .congested(let connection, let key, let position, _):
            "congested \(connection.routingID): \(name(key)) at \(position)"
        case .hello(let hello, let connection):
            "hello \(hello.worker)#\(hello.incarnation) \(hello.ready ? "ready" : "loading") \(hello.numerics) on \(connection.routingID)"
        case .heartbeat(let beat, let connection):
            "heartbeat of \(connection.routingID): #\(beat.incarnation) progress \(beat.progress)"
        case .goodbye(_, _, let connection): "goodbye of \(connection.routingID)"
        case .generated(let one, let connection):
            "generated \(one.assignment.rawValue) at \(one.position): \(one.tokens) from \(connection.routingID)"
        case .ended(let one, let connection):
            "ended \(one.assignment.rawValue) \(one.kind) from \(connection.routingID)"
        case .called(let key, _, let bytes): "called \(name(key)): \(bytes.count) bytes"
        case .callEnded(let key, _, let ending): "call of \(name(key)): \(ending)"
        case .assembled(let key, _, let bytes): "assembled \(name(key)): \(bytes.count) bytes"
        case .graphChanged(let graph): "graph of \(graph.nodes.count) nodes"
        case .expertsGranted(let names, let worker): "granted \(names.joined(separator: " ")) to \(worker)"
        case .workerDisconnected(let connection): "disconnected \(connection.routingID)"
        }
    }

    static func line(_ directive: Directive) -> String {
        switch directive {
        case .welcome(let connection, _, _): "welcome \(connection.routingID)"
        case .refuseWorker(let connection, let failure): "refuse \(connection.routingID): \(failure.message)"
        case .assign(let one):
            "assign \(one.assignment.rawValue) to \(one.worker): \(name(one.query)), \(one.tokens.count) tokens, "
                + "\(one.generatedBefore) generated, at most \(one.maxTokens)"
        case .tellMembership(let connection, let membership):
            "tell \(connection.routingID) membership \(membership.version): \(membership.holders.map(\.worker))"
        case .withdraw(let connection, let id): "withdraw \(id.rawValue) from \(connection.routingID)"
        case .deliver(let one):
            switch one.message {
            case .accepted: "deliver \(name(one.query)): accepted"
            case .replay(let replay): "deliver \(name(one.query)): replay \(replay.from)..<\(replay.tokens.count)"
            case .final(let final): "deliver \(name(one.query)): \(final.finishReason), \(final.generatedTokens) tokens"
            case .failure(let failure): "deliver \(name(one.query)): \(failure.kind), \(failure.message)"
            }
        case .advance(let one):
            "advance \(name(one.query)) at \(one.position): \(one.tokens) \(one.connection == nil ? "to nobody" : "")"
        case .prepare(let key, _, _): "prepare \(name(key))"
        case .call(let call): "call \(call.node) for \(name(call.query))"
        case .assemble(let key, _, let parts, let how): "assemble \(name(key)): \(parts.count) parts, \(how)"
        case .hangUp(let key, _): "hang up \(name(key))"
        case .adopt(let key, let branch): "\(name(branch)) is \(name(key))"
        case .revive(let key, let part): "revive \(name(key)): \(part.tokens.count) tokens of \(part.node)"
        case .forget(let key): "forget \(name(key))"
        case .observe(let one): "observe \(one.metric) \(one.microseconds)"
        case .count(let one): "count \(one.counter) \(one.by)"
        case .note(let note): "note: \(note.text)"
        }
    }

    private static func name(_ key: QueryKey) -> String {
        "\(key.identity)/\(key.id.low)\(key.isBranch ? "#\(key.branch)" : "")"
    }
}
