import Routing
import Testing

@Suite("Admission")
struct AdmissionTests {
    @Test("A query that is let in is accepted, dispatched and counted")
    func accepted() throws {
        var talk = Conversation()
        talk.join("a")
        talk.submit(1)
        let accepted = try #require(talk.directives.accepted.first)
        #expect(accepted.promptTokens == 3 && accepted.attempt == 1 && accepted.node == "default")
        #expect(accepted.leaseMilliseconds == 10_000 && accepted.deadlineMilliseconds == 60_000)
        let assign = try #require(talk.directives.assigns.first)
        #expect(assign.tokens == [1, 2, 3] && assign.generatedBefore == 0 && assign.sampling.seed == 7)
        #expect(talk.directives.total(.queriesAccepted) == 1 && talk.directives.total(.tokensIn) == 3)
    }

    static let bad: [(FailureKind, @Sendable (inout Submission) -> Void)] = [
        (.invalidParameter, { $0.maxTokens = 0 }),
        (.invalidParameter, { $0.maxTokens = 1_000_000_000 }),
        (.invalidParameter, { $0.sampling.temperature = -1 }),
        (.invalidParameter, { $0.sampling.temperature = .nan }),
        (.invalidParameter, { $0.sampling.topP = 1.5 }),
        (.invalidParameter, { $0.sampling.minP = -0.1 }),
        (.invalidParameter, { $0.sampling.repetitionPenalty = .infinity }),
        (.invalidParameter, { $0.topLogprobs = 21 }),
        (.invalidParameter, { $0.deadlineMilliseconds = 3_600_001 }),
        (.invalidParameter, { $0.node = String(repeating: "n", count: 257) }),
        (.invalidParameter, { $0.prompt = .tokens([1, -1]) }),
        (.invalidParameter, { $0.prompt = .tokens([1000]) }),
        (.emptyPrompt, { $0.prompt = .tokens([]) }),
        (.promptTooLong, { $0.prompt = .tokens(Array(repeating: 1, count: 100)) }),
        (.noWorker, { $0.model = "unknown" }),
    ]

    @Test("Each absurd request is refused at once, typed, and leaves nothing behind", arguments: bad.indices)
    func refused(index: Int) {
        let (kind, spoil) = Self.bad[index]
        var talk = Conversation()
        talk.join("a")
        var submission = Conversation.submission(1)
        spoil(&submission)
        talk.say(.submitted(submission))
        #expect(talk.directives.failures.map(\.kind) == [kind])
        #expect(talk.directives.failures.allSatisfy { !$0.message.isEmpty })
        #expect(talk.directives.total(.queriesAccepted) == 0)
        #expect(talk.machine.census.liveQueries == 0 && talk.machine.census.retained == 0)
        // The same id may be used once it makes sense.
        #expect(talk.submit(1).accepted.count == 1)
    }

    @Test("A flood gets half of the queue, a newcomer still gets in, and the refusal says when to come back")
    func flood() {
        var talk = Conversation { $0.limits.queuedMax = 8 }
        talk.join("a", capacity: 1)
        for id in 1...20 { talk.submit(UInt64(id), of: "mallory") }
        #expect(talk.directives.failures.map(\.kind) == [.busy])
        #expect(talk.directives.failures.first?.retryAfterMilliseconds == 250)
        #expect(talk.machine.census.waitingQueries == 4)
        #expect(talk.submit(1, of: "alice").accepted.count == 1)
        for id in 1...20 { talk.submit(UInt64(id), of: "eve") }
        #expect(talk.submit(1, of: "bob").accepted.count == 1)
        #expect(talk.machine.census.waitingQueries <= 8)
    }

    @Test("The next place goes to whoever has the fewest running, then to whoever waited longest")
    func fairness() throws {
        var talk = Conversation()
        talk.join("a", capacity: 2)
        var running = [UInt64(1), 2].flatMap { talk.submit($0, of: "mallory").assigns }
        for id in 3...8 { talk.submit(UInt64(id), of: "mallory") }
        talk.submit(1, of: "alice")
        talk.submit(2, of: "alice")
        talk.submit(1, of: "bob")
        var order: [String] = []
        while !running.isEmpty {
            talk.end("a", running.removeFirst().assignment)
            running += talk.directives.assigns
            order += talk.directives.assigns.map(\.query.identity)
        }
        #expect(order.prefix(4) == ["alice", "mallory", "bob", "alice"])
        #expect(order.count == 9)
    }

    @Test("Prompt tokens are bounded over all queries")
    func promptTokensTotal() {
        var talk = Conversation { $0.limits.promptTokensTotalMax = 7 }
        talk.join("a")
        talk.submit(1)
        talk.submit(2)
        #expect(talk.directives.failures.isEmpty)
        talk.submit(3)
        #expect(talk.directives.failures.map(\.kind) == [.busy])
    }

    @Test("A prompt that is still being encoded counts, can be cancelled, and a late result means nothing")
    func preparing() {
        var talk = Conversation { $0.limits.queuedMax = 4 }
        talk.join("a")
        var submission = Conversation.submission(1)
        submission.prompt = .encoding
        talk.say(.submitted(submission))
        #expect(talk.directives.contains(.prepare(Conversation.key(1), ticket: 1)))
        #expect(talk.machine.census.waitingQueries == 1 && talk.directives.accepted.isEmpty)
        talk.say(.cancelled(Conversation.key(1), from: Conversation.client("alice")))
        #expect(talk.directives.failures.map(\.kind) == [.cancelled])
        #expect(talk.directives.forgotten == [Conversation.key(1)])

        submission.key = Conversation.key(2)
        talk.say(.submitted(submission))
        talk.say(.prepared(Conversation.key(2), ticket: 1, promptTokens: [9]))
        #expect(talk.directives.isEmpty)
        talk.say(.prepared(Conversation.key(2), ticket: 2, promptTokens: [4, 5]))
        #expect(talk.directives.accepted.count == 1)
        #expect(talk.directives.assigns.map(\.tokens) == [[4, 5]])

        submission.key = Conversation.key(3)
        talk.say(.submitted(submission))
        talk.say(.preparationFailed(Conversation.key(3), ticket: 3, Failure(.internalError, "no vocabulary")))
        #expect(talk.directives.failures.map(\.kind) == [.internalError])
        submission.key = Conversation.key(4)
        talk.say(.submitted(submission))
        talk.say(.prepared(Conversation.key(4), ticket: 4, promptTokens: []))
        #expect(talk.directives.failures.map(\.kind) == [.emptyPrompt])
    }

    @Test("Without a wait a query fails at once when nobody is ready; with one it waits exactly that long")
    func waiting() {
        var talk = Conversation()
        #expect(talk.submit(1).failures.map(\.kind) == [.noWorker])

        var patient = Conversation { $0.waitForWorkerMilliseconds = 3000 }
        #expect(patient.submit(1).accepted.count == 1)
        #expect(patient.wait(milliseconds: 2999).failures.isEmpty)
        #expect(patient.wait(milliseconds: 1).failures.map(\.kind) == [.noWorker])
        patient.submit(2)
        patient.wait(milliseconds: 1000)
        patient.join("a")
        #expect(patient.directives.assigns.map(\.query) == [Conversation.key(2)])
    }

    @Test("Draining refuses newcomers, lets the others end, and ends what is left when its time is over")
    func draining() throws {
        var talk = Conversation { $0.drainMilliseconds = 1000 }
        talk.join("a")
        let first = try #require(talk.submit(1).assigns.first)
        talk.submit(2)
        talk.say(.drain)
        #expect(talk.submit(3).failures.map(\.kind) == [.draining])
        #expect(talk.machine.status(at: talk.now).state == .draining)
        talk.end("a", first.assignment)
        #expect(talk.directives.finals.count == 1 && !talk.machine.isDrained)
        talk.live(["a"], milliseconds: 999)
        #expect(!talk.machine.isDrained)
        talk.wait(milliseconds: 1)
        #expect(talk.directives.failures.map(\.kind) == [.draining])
        #expect(talk.directives.withdrawn.count == 1 && talk.machine.isDrained)
    }
}
