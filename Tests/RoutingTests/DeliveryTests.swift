import Routing
import Testing

@Suite("Clients that are slow or gone")
struct DeliveryTests {
    private let client = Conversation.client("alice")
    private let key = Conversation.key(1)

    private func start() throws -> (Conversation, Assign) {
        var talk = Conversation()
        talk.join("a")
        let assign = try #require(talk.submit(1).assigns.first)
        return (talk, assign)
    }

    @Test("Gone: the query runs on, its tokens are decoded and kept, whoever attaches gets them")
    func undeliverable() throws {
        var (talk, assign) = try start()
        talk.generate("a", assign.assignment, at: 0, [10])
        talk.say(.undeliverable(client))
        #expect(talk.directives.total(.detachments) == 1)
        talk.generate("a", assign.assignment, at: 1, [11])
        #expect(talk.directives.advances.map(\.connection) == [nil])
        talk.end("a", assign.assignment)
        #expect(talk.directives.deliveries.isEmpty && talk.directives.forgotten == [key])
        talk.say(.submitted(Conversation.submission(1, on: "second")))
        #expect(talk.directives.replays.map(\.tokens) == [[10, 11]] && talk.directives.finals.count == 1)
    }

    @Test("Nobody comes back: the lease ends it")
    func abandoned() throws {
        var (talk, assign) = try start()
        talk.say(.undeliverable(client))
        let all = talk.live(["a"], milliseconds: 10_000)
        #expect(all.withdrawn == [assign.assignment] && all.forgotten == [key])
        #expect(all.deliveries.isEmpty)
    }

    @Test("Congested: nothing is sent until the retry, which starts where the loss was")
    func congested() throws {
        var (talk, assign) = try start()
        talk.generate("a", assign.assignment, at: 0, [10])
        talk.generate("a", assign.assignment, at: 1, [11])
        talk.say(.congested(client, query: key, position: 1))
        talk.generate("a", assign.assignment, at: 2, [12])
        #expect(talk.directives.advances.map(\.connection) == [nil])
        talk.wait(milliseconds: 50)
        let replay = try #require(talk.directives.replays.first)
        #expect(replay.from == 1 && replay.tokens == [10, 11, 12])
        // It went through: from here on directly.
        talk.generate("a", assign.assignment, at: 3, [13])
        #expect(talk.directives.advances.map(\.connection) == [client])
        talk.wait(milliseconds: 50)
        #expect(talk.machine.census.congestedConnections == 0)
    }

    @Test("An ending that did not fit is sent again")
    func congestedEnding() throws {
        var (talk, assign) = try start()
        talk.generate("a", assign.assignment, at: 0, [10])
        talk.end("a", assign.assignment)
        talk.say(.congested(client, query: key, position: 1))
        talk.wait(milliseconds: 50)
        #expect(talk.directives.finals.count == 1 && talk.directives.replays.isEmpty)
    }

    @Test("A refusal that did not fit is sent again, a bounded number of them")
    func congestedRefusal() throws {
        var (talk, _) = try start()
        let refusal = Failure(.busy, "full")
        talk.say(.congested(client, query: Conversation.key(9), position: 0, failure: refusal))
        for id in 100...200 { talk.submit(UInt64(id), prompt: []) }
        #expect(talk.directives.failures.isEmpty && talk.directives.total(.refusalsDropped) == 1)
        talk.wait(milliseconds: 50)
        #expect(talk.directives.failures.count == 64 && talk.directives.failures.first == refusal)
    }

    @Test("Somebody who never reads is detached in the end; somebody slow is not")
    func neverReads() throws {
        for isSlow in [false, true] {
            var (talk, assign) = try start()
            talk.generate("a", assign.assignment, at: 0, [10, 11, 12, 13, 14, 15, 16])
            talk.say(.congested(client, query: key, position: 0))
            var detachments: UInt64 = 0
            for round in 0..<110 {
                let directives = talk.live(["a"], milliseconds: 50)
                detachments += directives.total(.detachments)
                // The slow one takes one token a second.
                let position = isSlow ? round / 20 : 0
                if !directives.replays.isEmpty { talk.say(.congested(client, query: key, position: position)) }
                if round % 50 == 0 { talk.renew(1) }
            }
            #expect(detachments == (isSlow ? 0 : 1))
        }
    }

    @Test("Whoever renews the lease of a detached query gets its tokens, or its ending, again")
    func pickUp() throws {
        var (talk, assign) = try start()
        talk.generate("a", assign.assignment, at: 0, [10])
        talk.say(.undeliverable(client))
        talk.renew(1)
        #expect(talk.directives.replays.map(\.from) == [0])
        talk.say(.undeliverable(client))
        talk.end("a", assign.assignment)
        talk.renew(1)
        #expect(talk.directives.finals.count == 1)
        talk.renew(1)
        #expect(talk.directives.isEmpty, "delivered is delivered")
    }

    @Test("Congested connections are bounded; one more is detached")
    func congestedMax() {
        var talk = Conversation { $0.limits.congestedConnectionsMax = 1 }
        talk.join("a")
        talk.submit(1)
        talk.submit(1, of: "bob")
        talk.say(.congested(client, query: key, position: 0))
        talk.say(.congested(Conversation.client("bob"), query: Conversation.key(1, of: "bob"), position: 0))
        #expect(talk.directives.total(.detachments) == 1)
        #expect(talk.machine.census.congestedConnections == 1)
    }
}
