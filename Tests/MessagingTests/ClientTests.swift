import Client
import Foundation
import Messaging
import Testing
import Threading

/// What a stream gave, in one value.
private struct Outcome {
    var accepted = 0
    var tokens: [Int32] = []
    var text = ""
    var ending: ClientEvent?

    init(_ stream: QueryStream) async {
        for await event in stream {
            switch event {
            case .accepted: accepted += 1
            case .partial(let partial):
                tokens += partial.tokens
                text += partial.text
            case .final, .failure: ending = event
            }
        }
    }

    var failure: Failure? {
        if case .failure(let failure) = ending { failure } else { nil }
    }

    var isFinal: Bool {
        if case .final = ending { true } else { false }
    }
}

private func query(_ text: String = "hello") -> Query { Query(id: .random(), prompt: .text(text)) }

private func client(_ router: ScriptedRouter, silence: Int = 3000) throws -> RouterClient {
    var options = ClientOptions()
    options.silenceMilliseconds = silence
    options.requestMilliseconds = 300
    return try RouterClient(router.endpoint, options: options)
}

private let anywhere = Endpoint.tcp(host: "127.0.0.1", port: 0)

@Suite struct ClientTests {
    @Test func anAnswerStreams() async throws {
        let router = try ScriptedRouter(anywhere) { message, reply in
            guard case .query(let query) = message else { return }
            reply(Answer.accepted(query.id))
            for position in 0..<UInt32(20) { reply(Answer.partial(query.id, position)) }
            reply(Answer.final(query.id, tokens: 20))
        }
        let client = try client(router)
        let outcome = await Outcome(client.submit(query()))
        #expect(outcome.accepted == 1)
        #expect(outcome.tokens == (0..<20).map { Int32($0) })
        #expect(outcome.text == "01234567890123456789")
        #expect(outcome.isFinal)
        client.close()
    }

    @Test func leasesAreRenewedAtAThirdOfTheirTime() async throws {
        let router = try ScriptedRouter(anywhere) { message, reply in
            if case .query(let query) = message { reply(Answer.accepted(query.id, lease: 150)) }
        }
        let client = try client(router)
        let query = query()
        let start = MonotonicClock.nowMicroseconds
        let stream = client.submit(query)
        try await Task.sleep(for: .milliseconds(600))
        router.say(Answer.final(query.id, tokens: 0))
        #expect(await Outcome(stream).isFinal)
        let leases = router.received.filter { $0 == .lease(Lease(ids: [query.id])) }.count
        // The sleep may be longer than it should be; one renewal every 50 ms, whatever it was.
        let milliseconds = Int((MonotonicClock.nowMicroseconds - start) / 1000)
        #expect(
            (milliseconds / 50 / 2...milliseconds / 50 + 2).contains(leases),
            "\(leases) renewals in \(milliseconds) ms of a lease of 150 ms")
        let count = router.received.count
        try await Task.sleep(for: .milliseconds(150))
        #expect(router.received.count == count, "an ended query's lease is not renewed")
    }

    @Test func whatComesTwiceIsDeliveredOnce() async throws {
        let router = try ScriptedRouter(anywhere) { message, reply in
            guard case .query(let query) = message else { return }
            let id = query.id
            reply(Answer.accepted(id))
            reply(Answer.accepted(id))
            for (position, count) in [(0, 3), (0, 3), (1, 1), (2, 4), (0, 7), (6, 1), (7, 2)] as [(UInt32, UInt32)] {
                reply(Answer.partial(id, position, count: count))
            }
            // A last piece of text without tokens, twice.
            for _ in 0..<2 { reply(.partial(Partial(id: id, position: 9, text: "!", textOffset: 9))) }
            reply(Answer.final(id, tokens: 9))
            reply(Answer.final(id, tokens: 9))
        }
        let client = try client(router)
        let outcome = await Outcome(client.submit(query()))
        #expect(outcome.accepted == 1)
        #expect(outcome.tokens == (0..<9).map { Int32($0) })
        #expect(outcome.text == "012345678!")
        #expect(outcome.isFinal)
    }

    @Test func aGapIsAskedForAgain() async throws {
        let router = try ScriptedRouter(anywhere) { message, reply in
            guard case .query(let query) = message else { return }
            if query.fromPosition == 0 {
                reply(Answer.accepted(query.id))
                for position in [0, 1, 4, 5, 6] as [UInt32] { reply(Answer.partial(query.id, position)) }
            } else {
                reply(Answer.accepted(query.id))
                reply(Answer.partial(query.id, query.fromPosition, count: 10 - query.fromPosition))
                reply(Answer.final(query.id, tokens: 10))
            }
        }
        let client = try client(router)
        let outcome = await Outcome(client.submit(query()))
        #expect(outcome.text == "0123456789")
        #expect(outcome.isFinal)
        let positions = router.received.compactMap { message -> UInt32? in
            if case .query(let query) = message { query.fromPosition } else { nil }
        }
        #expect(positions == [0, 2])
    }

    @Test func anEndingBeforeTheLastTokensAsksForThem() async throws {
        let router = try ScriptedRouter(anywhere) { message, reply in
            guard case .query(let query) = message else { return }
            reply(Answer.accepted(query.id))
            reply(Answer.partial(query.id, query.fromPosition, count: query.fromPosition == 0 ? 3 : 2))
            reply(Answer.final(query.id, tokens: 5))
        }
        let outcome = await Outcome(try client(router).submit(query()))
        #expect(outcome.text == "01234")
        #expect(outcome.isFinal)
    }

    @Test func aSlowReaderGetsEverything() async throws {
        let router = try ScriptedRouter(anywhere) { message, reply in
            guard case .query(let query) = message else { return }
            reply(Answer.accepted(query.id))
            for position in 0..<UInt32(900) { reply(Answer.partial(query.id, position)) }
            reply(Answer.final(query.id, tokens: 900))
        }
        let client = try client(router)
        let stream = client.submit(query())
        try await Task.sleep(for: .milliseconds(200))
        var events = 0
        var tokens = 0
        for await event in stream {
            events += 1
            if case .partial(let partial) = event {
                #expect(partial.position == UInt32(tokens))
                tokens += partial.tokens.count
            }
        }
        #expect(tokens == 900)
        #expect(events < 100, "\(events): what waits is joined, not queued")
    }

    @Test func refusalsArriveTyped() async throws {
        let router = try ScriptedRouter(anywhere) { message, reply in
            if case .query(let query) = message {
                reply(.failure(Failure(id: query.id, kind: .busy, message: "full", retryAfterMilliseconds: 50)))
            }
        }
        let outcome = await Outcome(try client(router).submit(query()))
        #expect(outcome.failure?.kind == .busy)
        #expect(outcome.failure?.retryAfterMilliseconds == 50)
    }

    @Test func whatCannotBeSentIsRefusedAtOnce() async throws {
        let router = try ScriptedRouter(anywhere) { _, _ in }
        let client = try client(router)
        let long = await Outcome(client.submit(query(String(repeating: "a", count: 1 << 20))))
        #expect(long.failure?.kind == .oversize)
        var stops = query()
        stops.stop = [String](repeating: "x", count: 17)
        #expect(await Outcome(client.submit(stops)).failure?.kind == .oversize)
        let twice = query()
        let first = client.submit(twice)
        #expect(await Outcome(client.submit(twice)).failure?.kind == .idConflict)
        withExtendedLifetime(first) {}
        #expect(router.received.filter { if case .query = $0 { true } else { false } }.count <= 1)
    }

    @Test func cancelling() async throws {
        let router = try ScriptedRouter(anywhere) { message, reply in
            switch message {
            case .query(let query): reply(Answer.accepted(query.id))
            case .cancel(let cancel): reply(.failure(Failure(id: cancel.id, kind: .cancelled, message: "as asked")))
            default: break
            }
        }
        let client = try client(router)
        let query = query()
        let stream = client.submit(query)
        client.cancel(query.id)
        #expect(await Outcome(stream).failure?.kind == .cancelled)
    }

    @Test func lettingGoOfAStreamCancelsItsQuery() async throws {
        let router = try ScriptedRouter(anywhere) { message, reply in
            if case .query(let query) = message { reply(Answer.accepted(query.id)) }
        }
        let client = try client(router)
        var ids: [QueryID] = []
        for drops in [true, false] {
            let query = query()
            ids.append(query.id)
            let stream = client.submit(query)
            var events = stream.makeAsyncIterator()
            #expect(await events.next()?.isEnding == false)
            if !drops {
                let task = Task { for await _ in stream {} }
                try await Task.sleep(for: .milliseconds(30))
                task.cancel()
                await task.value
            }
        }
        for _ in 0..<100 where cancels(router).count < 2 { try await Task.sleep(for: .milliseconds(10)) }
        #expect(Set(cancels(router)) == Set(ids))
    }

    private func cancels(_ router: ScriptedRouter) -> [QueryID] {
        router.received.compactMap { if case .cancel(let cancel) = $0 { cancel.id } else { nil } }
    }

    @Test func closingEndsEveryStream() async throws {
        let router = try ScriptedRouter(anywhere) { message, reply in
            if case .query(let query) = message { reply(Answer.accepted(query.id)) }
        }
        let client = try client(router)
        let query = query()
        let stream = client.submit(query)
        var events = stream.makeAsyncIterator()
        #expect(await events.next()?.isEnding == false)
        client.close()
        #expect(await Outcome(stream).failure?.kind == .unknownOutcome)
        for _ in 0..<100 where cancels(router).isEmpty { try await Task.sleep(for: .milliseconds(10)) }
        #expect(cancels(router) == [query.id])
        #expect(await Outcome(client.submit(self.queryAfterClose)).failure?.kind == .busy)
    }

    private var queryAfterClose: Query { query("after") }
}
