import Routing
import Testing

@Suite("Sending a query again")
struct AttachingTests {
    private func start() throws -> (Conversation, Assign) {
        var talk = Conversation()
        talk.join("a")
        let assign = try #require(talk.submit(1).assigns.first)
        return (talk, assign)
    }

    private func again(_ from: Int, on connection: String = "second") -> Submission {
        var submission = Conversation.submission(1, on: connection)
        submission.fromPosition = from
        return submission
    }

    @Test("While it runs: the new connection gets what it lacks, then everything new; the old one nothing")
    func reattach() throws {
        var (talk, assign) = try start()
        talk.generate("a", assign.assignment, at: 0, [10, 11, 12])
        talk.say(.submitted(again(2)))
        #expect(talk.directives.assigns.isEmpty && talk.directives.accepted.count == 1)
        let replay = try #require(talk.directives.replays.first)
        #expect(replay.from == 2 && replay.tokens == [10, 11, 12])
        talk.generate("a", assign.assignment, at: 3, [13])
        #expect(talk.directives.advances.map(\.connection) == [Conversation.client("second")])
        talk.end("a", assign.assignment)
        #expect(talk.directives.deliveries.map(\.connection) == [Conversation.client("second")])
    }

    @Test("After it ended: the whole outcome once more, from the position asked for")
    func replay() throws {
        var (talk, assign) = try start()
        talk.generate("a", assign.assignment, at: 0, [10, 11])
        talk.end("a", assign.assignment)
        let final = try #require(talk.directives.finals.first)
        talk.say(.submitted(again(1)))
        #expect(talk.directives.replays.map(\.from) == [1])
        #expect(talk.directives.finals == [final])
        #expect(talk.directives.forgotten.isEmpty, "it ends once")
        talk.say(.submitted(again(2)))
        #expect(talk.directives.replays.isEmpty && talk.directives.finals == [final])
        talk.say(.submitted(again(-7)))
        #expect(talk.directives.replays.map(\.from) == [0])
    }

    @Test("A retained failure is the outcome too")
    func replayedFailure() throws {
        var (talk, _) = try start()
        talk.say(.cancelled(Conversation.key(1), from: Conversation.client("alice")))
        talk.say(.submitted(again(0)))
        #expect(talk.directives.failures.map(\.kind) == [.cancelled] && talk.directives.assigns.isEmpty)
    }

    @Test("The same id with another body is a conflict, running or retained, and harms nobody")
    func conflict() throws {
        var (talk, assign) = try start()
        var other = again(0, on: "second")
        other.digest = BodyDigest(bytes: [99])
        talk.say(.submitted(other))
        #expect(talk.directives.failures.map(\.kind) == [.idConflict])
        #expect(talk.directives.deliveries.map(\.connection) == [Conversation.client("second")])
        talk.generate("a", assign.assignment, at: 0, [10])
        #expect(talk.directives.advances.map(\.connection) == [Conversation.client("alice")])
        talk.end("a", assign.assignment)
        talk.say(.submitted(other))
        #expect(talk.directives.failures.map(\.kind) == [.idConflict])
    }

    @Test("An id means nothing to another identity")
    func scoped() throws {
        var (talk, _) = try start()
        #expect(talk.submit(1, of: "bob").assigns.map(\.query) == [Conversation.key(1, of: "bob")])
    }

    @Test("Retention has an end")
    func expiry() throws {
        var (talk, assign) = try start()
        talk.end("a", assign.assignment)
        talk.live(["a"], milliseconds: 60_000)
        talk.say(.submitted(again(0)))
        #expect(talk.directives.replays.isEmpty && talk.directives.assigns.count == 1, "a new query")
    }

    @Test("Outcomes are retained within a count, a count per identity, and bytes")
    func bounds() {
        func entry(_ id: UInt64, of identity: String, tokens: Int = 0) -> Retention.Entry {
            Retention.Entry(
                key: Conversation.key(id, of: identity), digest: BodyDigest(bytes: []), node: "", promptTokens: 1,
                attempts: 1, tokens: Array(repeating: 0, count: tokens), logprobs: [],
                outcome: .failed(Failure(.cancelled, "")), expiresAt: Instant(milliseconds: id), isDelivered: true)
        }
        var limits = RoutingLimits()
        limits.retainedMax = 6
        limits.retainedPerIdentityMax = 4
        limits.retainedBytesMax = 8000
        var retention = Retention(limits: limits)
        for id in 1...10 { retention.insert(entry(UInt64(id), of: "mallory")) }
        #expect(retention.count == 4 && retention[Conversation.key(6, of: "mallory")] == nil)
        for id in 11...13 { retention.insert(entry(UInt64(id), of: "alice")) }
        #expect(retention.count == 6 && retention[Conversation.key(7, of: "mallory")] == nil)
        #expect(retention[Conversation.key(8, of: "mallory")] != nil)
        retention.insert(entry(14, of: "bob", tokens: 1600))
        #expect(retention.byteCount <= 8000 && retention[Conversation.key(14, of: "bob")] != nil)
        retention.insert(entry(15, of: "bob", tokens: 10_000))
        #expect(retention[Conversation.key(15, of: "bob")] == nil, "larger than all of the place")
        retention.expire(at: Instant(milliseconds: 20))
        #expect(retention.count == 0 && retention.byteCount == 0 && retention.nextExpiry == nil)
    }
}
