import Client
import Foundation
import Messaging
import Synchronization
import Testing
import Threading

@Suite struct ClientReconnectionTests {
    private func client(_ endpoint: Endpoint, silence: Int) throws -> RouterClient {
        var options = ClientOptions()
        options.silenceMilliseconds = silence
        options.requestMilliseconds = 300
        options.connectMilliseconds = 1000
        options.graceMilliseconds = 100
        return try RouterClient(endpoint, options: options)
    }

    private let anywhere = Endpoint.tcp(host: "127.0.0.1", port: 0)

    /// Reads to the ending; the tokens' text on the way.
    private func read(_ stream: QueryStream) async -> (text: String, ending: ClientEvent?) {
        var text = ""
        var ending: ClientEvent?
        for await event in stream {
            if case .partial(let partial) = event { text += partial.text }
            if event.isEnding { ending = event }
        }
        return (text, ending)
    }

    private func kind(_ event: ClientEvent?) -> FailureKind? {
        if case .failure(let failure) = event { failure.kind } else { nil }
    }

    private static let beginning: ScriptedRouter.Script = { message, reply in
        switch message {
        case .query(let query):
            reply(Answer.accepted(query.id))
            reply(Answer.partial(query.id, 0, count: 3))
        case .statusRequest: reply(Answer.status)
        default: break
        }
    }

    @Test func aRouterThatDiesLeavesAnUnknownOutcome() async throws {
        let router = try ScriptedRouter(anywhere, script: Self.beginning)
        let client = try client(router.endpoint, silence: 300)
        let stream = client.submit(Query(id: .random(), prompt: .text("x")))
        var events = stream.makeAsyncIterator()
        _ = await events.next()
        let start = MonotonicClock.nowMicroseconds
        router.stop()
        let (text, ending) = await read(stream)
        #expect(text == "012")
        #expect(kind(ending) == .unknownOutcome)
        #expect((250_000...2_000_000).contains(MonotonicClock.nowMicroseconds - start))
    }

    @Test func aRouterThatHangsLeavesAnUnknownOutcome() async throws {
        let router = try ScriptedRouter(anywhere, script: Self.beginning)
        let client = try client(router.endpoint, silence: 300)
        let stream = client.submit(Query(id: .random(), prompt: .text("x")))
        try await Task.sleep(for: .milliseconds(900))
        // It was quiet for three times the patience, but it answered when it was asked.
        #expect(router.received.contains(.statusRequest(StatusRequest())))
        let start = MonotonicClock.nowMicroseconds
        router.fallSilent()
        let (text, ending) = await read(stream)
        #expect(text == "012")
        #expect(kind(ending) == .unknownOutcome)
        #expect(MonotonicClock.nowMicroseconds - start < 2_000_000)
    }

    @Test func aPassedDeadlineLeavesAnUnknownOutcome() async throws {
        let router = try ScriptedRouter(anywhere, script: Self.beginning)
        let client = try client(router.endpoint, silence: 3000)
        let (_, ending) = await read(client.submit(Query(id: .random(), prompt: .text("x"), deadlineMilliseconds: 200)))
        #expect(kind(ending) == .unknownOutcome)
    }

    /// The connection breaks and comes back to a router that still runs the query.
    @Test func aBrokenConnectionIsNoBreakInTheStream() async throws {
        let sandbox = try Sandbox()
        let first = try ScriptedRouter(sandbox.ipc(), script: Self.beginning)
        let client = try client(first.endpoint, silence: 3000)
        let query = Query(id: .random(), prompt: .text("x"), maxTokens: 7)
        let stream = client.submit(query)
        var events = stream.makeAsyncIterator()
        _ = await events.next()
        _ = await events.next()
        first.stop()
        let second = try ScriptedRouter(sandbox.ipc()) { message, reply in
            switch message {
            case .query(let query):
                reply(Answer.accepted(query.id))
                reply(Answer.partial(query.id, query.fromPosition, count: 6 - query.fromPosition))
                reply(Answer.final(query.id, tokens: 6))
            case .statusRequest: reply(Answer.status)
            default: break
            }
        }
        let (text, ending) = await read(stream)
        #expect(text == "345")
        #expect(kind(ending) == nil && ending != nil)
        var again = query
        again.fromPosition = 3
        #expect(second.received.contains(.query(again)), "the body is the same but for the position")
    }

    /// A router that was restarted does not know the query; it must not be made to answer it a second time.
    @Test func aRestartedRouterIsNotAskedAgain() async throws {
        let sandbox = try Sandbox()
        let first = try ScriptedRouter(sandbox.ipc(), script: Self.beginning)
        let client = try client(first.endpoint, silence: 3000)
        let stream = client.submit(Query(id: .random(), prompt: .text("x")))
        var events = stream.makeAsyncIterator()
        _ = await events.next()
        _ = await events.next()
        first.stop()
        let second = try ScriptedRouter(sandbox.ipc()) { message, reply in
            switch message {
            case .lease(let lease):
                for id in lease.ids { reply(.failure(Failure(id: id, kind: .unknownQuery, message: "who?"))) }
            case .statusRequest: reply(Answer.status)
            default: break
            }
        }
        let (_, ending) = await read(stream)
        #expect(kind(ending) == .unknownOutcome)
        #expect(!second.received.contains { if case .query = $0 { true } else { false } })
    }

    @Test func aQueryWaitsForARouterThatComesLater() async throws {
        let sandbox = try Sandbox()
        let client = try client(sandbox.ipc(), silence: 3000)
        let stream = client.submit(Query(id: .random(), prompt: .text("x")))
        try await Task.sleep(for: .milliseconds(100))
        let router = try ScriptedRouter(sandbox.ipc()) { message, reply in
            if case .query(let query) = message { reply(Answer.final(query.id, tokens: 0)) }
        }
        let (_, ending) = await read(stream)
        #expect(kind(ending) == nil && ending != nil)
        withExtendedLifetime(router) {}
    }

    @Test func nobodyThere() async throws {
        let sandbox = try Sandbox()
        let client = try client(sandbox.ipc(), silence: 200)
        let (_, ending) = await read(client.submit(Query(id: .random(), prompt: .text("x"))))
        guard case .failure(let failure) = ending else {
            Issue.record("no failure")
            return
        }
        #expect(failure.kind == .unknownOutcome)
        #expect(failure.message.contains("never sent"))
        var options = ClientOptions()
        options.connectMilliseconds = 200
        await #expect(throws: ClientError.self) { _ = try await RouterClient.connect(sandbox.ipc(), options: options) }
    }

    @Test func connectSaysWhenTheKeyIsRefused() async throws {
        let context = try ZeroMQContext()
        let server = try CurveKeyPair.generate()
        let authenticator = try Authenticator(context, keys: KeyRing())
        let router = try Socket(context, .router)
        let endpoint = try router.bind(Endpoint("tcp://127.0.0.1:*"), domain: .front, security: .curve(server))
        let start = MonotonicClock.nowMicroseconds
        let error = await #expect(throws: ClientError.self) {
            _ = try await RouterClient.connect(
                endpoint, security: .curve(own: CurveKeyPair.generate(), server: server.publicKey))
        }
        #expect("\(try #require(error))".contains("key"))
        #expect(MonotonicClock.nowMicroseconds - start < 2_500_000)
        withExtendedLifetime(authenticator) {}
    }

    @Test func statusAndStatistics() async throws {
        let statistics = MessageExamples.scopes
        let router = try ScriptedRouter(anywhere) { message, reply in
            switch message {
            case .statusRequest: reply(Answer.status)
            case .statisticsRequest(let request):
                if request.windowSeconds == 60 {
                    reply(.statisticsReply(StatisticsReply(windowSeconds: 60, scopes: statistics)))
                } else if request.windowSeconds == 1 {
                    reply(.failure(Failure(kind: .forbidden, message: "observers only")))
                }
            default: break
            }
        }
        let client = try client(router.endpoint, silence: 3000)
        #expect(try await client.status().cluster == "c")
        #expect(try await client.statistics(windowSeconds: 60).scopes == statistics)
        await #expect { try await client.statistics(windowSeconds: 1) } throws: { error in
            if case ClientError.refused(let failure) = error { failure.kind == .forbidden } else { false }
        }
        await #expect { try await client.statistics(windowSeconds: 2) } throws: { error in
            if case ClientError.timedOut = error { true } else { false }
        }
    }

    @Test func thePublishedStatisticsStream() async throws {
        let context = try ZeroMQContext()
        let publisher = try Socket(context, .pub)
        let endpoint = try publisher.bind(Endpoint("tcp://127.0.0.1:*"))
        let feed = try StatisticsFeed(endpoint)
        let sequence = try Publisher(Handover(publisher))
        var seen: [UInt64] = []
        for await event in feed.events {
            seen.append(event.sequence)
            if seen.count == 3 { break }
        }
        sequence.stop()
        #expect(seen.count == 3 && seen[0] < seen[1] && seen[1] < seen[2])
        feed.close()
    }

    /// Publishes events until it is stopped: a SUB socket sees none that came before it had connected.
    private final class Publisher: Sendable {
        private let over: Mutex<Bool> = Mutex(false)
        private let thread: Mutex<NamedThread?> = Mutex(nil)

        init(_ socket: Handover<Socket>) throws {
            let started = try NamedThread(name: "publisher") { [self] in
                let socket = socket.take()
                var sequence: UInt64 = 0
                while !over.withLock({ $0 }) {
                    sequence += 1
                    let envelope = Envelope(.statisticsEvent(StatisticsEvent(sequence: sequence)))
                    _ = try? socket.send([bytes("other")] + envelope.frames())
                    _ = try? socket.send([bytes(StatisticsEvent.topic)] + envelope.frames())
                    usleep(5000)
                }
            }
            thread.withLock { $0 = started }
        }

        func stop() {
            over.withLock { $0 = true }
            thread.withLock { $0 }?.join()
        }
    }
}
