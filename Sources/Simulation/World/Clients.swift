import Routing

/// Clients in this world.
extension World {
    mutating func act(_ index: Int) {
        guard !isQuiet else { return }
        let isFlooder = clients[index].habit == .flooder
        plan(.act(index), in: isFlooder ? 1_000 + chance.below(60_000) : 20_000 + chance.below(600_000))
        clients[index].forgetEnded()
        let open = clients[index].openCount
        switch clients[index].habit {
        case .canceller where open > 0 && chance.chance(perMille: 500): cancel(index)
        case .resender where !clients[index].pending.isEmpty && chance.chance(perMille: 500): resend(index)
        case .conflicting where !clients[index].pending.isEmpty && chance.chance(perMille: 500): conflict(index)
        case .reconnecter where open > 0 && chance.chance(perMille: 300): reconnect(index)
        case .nonReader where chance.chance(perMille: 300): stopReading(index)
        default:
            for _ in 0..<(isFlooder ? chance.within(1...4) : 1) { submit(index) }
        }
    }

    private mutating func submit(_ index: Int) {
        let question = Question(
            model: chance.pick(World.models),
            prompt: (0..<chance.within(1...chance.within(4...80))).map { _ in Int32(chance.below(ToyModel.vocabulary))
            },
            seed: chance.next(), maxTokens: chance.within(1...32),
            stopToken: chance.chance(perMille: 300) ? Int32(chance.below(ToyModel.vocabulary)) : nil)
        let deadline = UInt64(chance.chance(perMille: 100) ? chance.within(1...200) : chance.within(500...4_000))
        let pending = ClientModel.Pending(
            key: clients[index].newKey(), question: question, sentAt: now, deadlineMilliseconds: deadline)
        clients[index].pending.append(pending)
        send(pending, index)
    }

    private mutating func send(_ pending: ClientModel.Pending, _ index: Int) {
        let question = pending.question
        questions[question.digest] = question
        let isEncoded = chance.chance(perMille: 700)
        sendToRouter(
            .submitted(
                Submission(
                    key: pending.key, connection: ClientConnection(routingID: clients[index].link.routingID),
                    digest: question.digest, node: "default", model: question.model,
                    prompt: isEncoded ? .tokens(question.prompt) : .encoding,
                    sampling: Sampling(temperature: 1, seed: question.seed), maxTokens: question.maxTokens,
                    deadlineMilliseconds: pending.deadlineMilliseconds, fromPosition: pending.received.count,
                    wantsTrace: chance.chance(perMille: 200))), from: .client(index))
    }

    private mutating func cancel(_ index: Int) {
        let open = clients[index].pending.filter { $0.endings == 0 }
        guard !open.isEmpty else { return }
        let key = chance.pick(open).key
        sendToRouter(
            .cancelled(key, from: ClientConnection(routingID: clients[index].link.routingID)), from: .client(index))
    }

    private mutating func resend(_ index: Int) {
        let place = chance.below(clients[index].pending.count)
        clients[index].pending[place].sends += 1
        send(clients[index].pending[place], index)
    }

    /// The same id with another body.
    private mutating func conflict(_ index: Int) {
        let place = chance.below(clients[index].pending.count)
        clients[index].pending[place].isMuddled = true
        var other = clients[index].pending[place]
        other.question.seed &+= 1
        other.received = []
        send(other, index)
    }

    private mutating func stopReading(_ index: Int) {
        clients[index].isSound = false
        clients[index].readsAgainAt = now.advanced(byMilliseconds: UInt64(chance.within(20...4_000)))
        agenda.plan(.readAgain(index), at: clients[index].readsAgainAt)
    }

    /// The connection breaks; the client asks again for everything it still waits for, from where it stands.
    mutating func reconnect(_ index: Int) {
        log.write(now, "! client \(index) reconnects")
        clients[index].isSound = false
        clients[index].link.drop()
        clients[index].unread = []
        clients[index].inPipe = 0
        if clients[index].habit == .leaseForgetter { return }
        for place in clients[index].pending.indices where clients[index].pending[place].endings == 0 {
            clients[index].pending[place].sends += 1
            send(clients[index].pending[place], index)
        }
    }

    mutating func renewLeases(_ index: Int) {
        plan(.renewLeases(index), in: 600_000)
        let open = clients[index].pending.filter { $0.endings == 0 }.map(\.key.id)
        guard !open.isEmpty, clients[index].habit != .leaseForgetter else { return }
        sendToRouter(
            .leasesRenewed(
                identity: clients[index].identity, ids: open,
                from: ClientConnection(routingID: clients[index].link.routingID)), from: .client(index))
    }

    mutating func reachClient(_ index: Int, _ generation: Int, _ message: ClientMessage) {
        guard clients[index].link.generation == generation else { return }
        if clients[index].readsAgainAt > now { return clients[index].unread.append(message) }
        clients[index].inPipe -= 1
        read(message, index)
    }

    mutating func readAgain(_ index: Int) {
        guard isQuiet || clients[index].readsAgainAt <= now else { return }
        clients[index].readsAgainAt = now
        let unread = clients[index].unread
        clients[index].unread = []
        clients[index].inPipe -= unread.count
        for message in unread { read(message, index) }
    }

    private mutating func read(_ message: ClientMessage, _ index: Int) {
        guard let place = clients[index].place(of: message.key) else { return }
        switch message.body {
        case .accepted: break
        case .tokens(let position, let tokens): receive(tokens, at: position, index, place)
        case .ended(let outcome):
            if case .failed(let failure) = outcome {
                // An answer to a contradiction is not the query's ending; one to a lease is, if no other came.
                if failure.kind == .idConflict { return }
                let isOver = clients[index].pending[place].endings > 0 || !clients[index].wasCongested
                if failure.kind == .unknownQuery, isOver { return }
                referee.expect(
                    !(clients[index].isSound && failure.kind == .leaseExpired && clients[index].habit == .faithful),
                    "P2: \(message.key) lost its lease although its client renewed it")
            }
            clients[index].pending[place].endings += 1
            clients[index].pending[place].outcome = outcome
        }
    }

    private mutating func receive(_ tokens: [Int32], at position: Int, _ index: Int, _ place: Int) {
        guard !clients[index].pending[place].isMuddled else { return }
        let received = clients[index].pending[place].received.count
        guard position <= received else {
            let key = clients[index].pending[place].key
            return referee.object("P3: \(key)'s client has \(received) tokens and got position \(position)")
        }
        clients[index].pending[place].received += tokens.dropFirst(received - position)
    }
}
