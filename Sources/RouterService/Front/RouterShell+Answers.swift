import Messaging
import Routing

// Tokens become text here, and text becomes messages to clients.
extension RouterShell {
    /// New tokens of a running query: its text goes on whether or not somebody listens.
    func advance(_ advance: Advance) {
        var text = ""
        var kept = 0
        var offset = 0
        let stoppedAfter: Int?? = answers.update(advance.query) { answer in
            offset = answer.byteCount
            for token in advance.tokens where answer.stoppedAfter == nil {
                text += answer.append(token)
                kept += 1
            }
            return answer.stoppedAfter
        }
        guard let stoppedAfter else { return }
        if let connection = advance.connection, kept > 0 {
            let partial = Partial(
                id: .init(advance.query.id), attempt: UInt32(clamping: advance.attempt),
                position: UInt32(clamping: advance.position), tokens: Array(advance.tokens.prefix(kept)), text: text,
                logprobs: advance.logprobs.prefix(kept).map(Messaging.TokenLogprobs.init), textOffset: UInt64(offset))
            send(.partial(partial), about: advance.query, from: advance.position, to: connection)
        }
        if let stoppedAfter { handle(.stopped(advance.query, keepTokens: stoppedAfter)) }
    }

    func deliver(_ delivery: Delivery) {
        let key = delivery.query
        switch delivery.message {
        case .accepted(let accepted):
            send(.accepted(.init(accepted, query: key.id)), about: key, from: 0, to: delivery.connection)
        case .replay(let replay): self.replay(replay, of: key, to: delivery.connection)
        case .failure(let failure):
            let message = Messaging.Message.failure(.init(failure, query: key.id))
            send(message, about: key, from: failure.tokensSent, failure: failure, to: delivery.connection)
        case .final(let final):
            flush(key, final, to: delivery.connection)
            send(.final(.init(final, query: key.id)), about: key, from: final.generatedTokens, to: delivery.connection)
        }
    }

    /// Text that was held back until it was clear that no stop string comes.
    private func flush(_ key: QueryKey, _ final: Routing.Final, to connection: ClientConnection) {
        // A query that has ended before was flushed then, or is in its replay.
        guard answers.isUnderWay(key) else { return }
        var offset = 0
        let rest = answers.update(key) { answer in
            offset = answer.byteCount
            return answer.finish()
        }
        guard let rest, !rest.isEmpty else { return }
        let partial = Partial(
            id: .init(key.id), attempt: UInt32(clamping: final.attempt),
            position: UInt32(clamping: final.generatedTokens), text: rest, textOffset: UInt64(offset))
        send(.partial(partial), about: key, from: final.generatedTokens, to: connection)
    }

    /// All tokens are decoded again, because text has a meaning from the start only; what the client has already is
    /// left out.
    private func replay(_ replay: Replay, of key: QueryKey, to connection: ClientConnection) {
        guard let style = answers.style(of: key) else { return }
        var answer = AnswerText(style)
        var text = ""
        var offset = 0
        for (index, token) in replay.tokens.enumerated() {
            if index == replay.from { offset = answer.byteCount }
            let piece = answer.append(token)
            if index >= replay.from { text += piece }
        }
        if replay.from >= replay.tokens.count { offset = answer.byteCount }
        if !answers.isUnderWay(key) { text += answer.finish() }
        let tokens = Array(replay.tokens.dropFirst(replay.from))
        guard !tokens.isEmpty || !text.isEmpty else { return }
        for start in stride(from: 0, to: max(tokens.count, 1), by: WireLimits.logprobTokensMax) {
            let end = min(start + WireLimits.logprobTokensMax, tokens.count)
            let logprobs = replay.logprobs.dropFirst(replay.from + start).prefix(end - start)
            let partial = Partial(
                id: .init(key.id), attempt: UInt32(clamping: replay.attempt),
                position: UInt32(clamping: replay.from + start), tokens: Array(tokens[start..<end]),
                text: start == 0 ? text : "", logprobs: logprobs.map(Messaging.TokenLogprobs.init),
                textOffset: UInt64(start == 0 ? offset : answer.byteCount))
            send(.partial(partial), about: key, from: replay.from + start, to: connection)
        }
    }

    /// - Parameter position: the first generated token in the message, which a congested client gets again later.
    /// - Parameter failure: what the message refuses, where it is one: a refusal has no query to be made from again.
    private func send(
        _ message: Messaging.Message, about key: QueryKey, from position: Int, failure: Routing.Failure? = nil,
        to connection: ClientConnection
    ) {
        switch port.send(Envelope(message), on: RouterDoor.front.index, to: connection.routingID) {
        case .sent: break
        case .full: handle(.congested(connection, query: key, position: position, failure: failure))
        case .unroutable: handle(.undeliverable(connection))
        }
    }
}
