import Routing
import Testing

@Suite("One query, one ending")
struct EndingTests {
    private func start() throws -> (Conversation, Assign) {
        var talk = Conversation()
        talk.join("a")
        var submission = Conversation.submission(1)
        submission.wantsTrace = true
        talk.say(.submitted(submission))
        return (talk, try #require(talk.directives.assigns.first))
    }

    @Test("The answer says how it came about")
    func answer() throws {
        var (talk, assign) = try start()
        talk.wait(milliseconds: 20)
        talk.generate("a", assign.assignment, at: 0, [10])
        talk.wait(milliseconds: 30)
        talk.generate("a", assign.assignment, at: 1, [11, 12])
        talk.wait(milliseconds: 5)
        talk.end("a", assign.assignment)
        let final = try #require(talk.directives.finals.first)
        #expect(final.finishReason == .endToken && final.promptTokens == 3 && final.generatedTokens == 3)
        #expect(final.timings == Timings(queue: 0, prefill: 20_000, decode: 30_000, total: 55_000))
        let attempt = try #require(final.trace.first)
        #expect(attempt.worker == "a" && attempt.attempt == 1 && attempt.tokens == 3 && attempt.outcome == .finished)
        #expect(attempt.prefillMicroseconds == 20_000 && attempt.decodeMicroseconds == 30_000)
        #expect(
            final.receipt.map { [$0.modelSHA256, $0.numerics, "\($0.seed)"] } == ["s", "n", "7"]
                && final.receipt?.prompt.count == final.promptTokens)
        let observed = Dictionary(
            uniqueKeysWithValues: talk.directives.observations.map { ($0.metric, $0.microseconds) })
        #expect(observed == [.queue: 0, .firstToken: 20_000, .perToken: 15_000, .total: 55_000])
        // The ending reaches the client before the shell forgets the query.
        let order = talk.directives.compactMap { directive in
            switch directive {
            case .deliver: "deliver"
            case .forget: "forget"
            default: nil
            }
        }
        #expect(order == ["deliver", "forget"])
    }

    @Test("A score ends a query without tokens; a lost worker costs an attempt")
    func score() throws {
        var talk = Conversation()
        talk.join("a")
        var submission = Conversation.submission(1)
        submission.score = true
        talk.say(.submitted(submission))
        let first = try #require(talk.directives.assigns.first)
        #expect(first.score && first.tokens.count == 3)
        talk.join("b")
        talk.say(.workerDisconnected(Conversation.connection("a")))
        let second = try #require(talk.directives.assigns.first)
        let score = Score(meanNLL: 2.5, tokens: 3, logitsSHA256: [1, 2])
        talk.say(
            .ended(
                Ended(assignment: second.assignment, kind: .scored, score: score), from: Conversation.connection("b")))
        let final = try #require(talk.directives.finals.first)
        #expect(final.finishReason == .scored && final.score == score && final.attempt == 2)
        #expect(final.generatedTokens == 0)
    }

    @Test("A worker that answers where a score was asked for, or scores something else, is at fault")
    func wrongScore() throws {
        let other = Score(meanNLL: 2.5, tokens: 4, logitsSHA256: [])
        for wrong in [Ended.Kind.endToken, .maxTokens, .scored] {
            var talk = Conversation()
            talk.join("a")
            var submission = Conversation.submission(1)
            submission.score = true
            talk.say(.submitted(submission))
            let assign = try #require(talk.directives.assigns.first)
            talk.join("b")
            talk.say(
                .ended(
                    Ended(assignment: assign.assignment, kind: wrong, score: other), from: Conversation.connection("a"))
            )
            #expect(talk.directives.finals.isEmpty)
            #expect(talk.directives.assigns.first?.worker == "b", "\(wrong)")
        }
        // Nor is a score an answer.
        var (talk, assign) = try start()
        talk.join("b")
        talk.say(
            .ended(
                Ended(assignment: assign.assignment, kind: .scored, score: other), from: Conversation.connection("a")))
        #expect(talk.directives.finals.isEmpty && talk.directives.assigns.first?.worker == "b")
    }

    @Test("The trace of a query that moved names both workers and why")
    func trace() throws {
        var (talk, first) = try start()
        talk.join("b")
        talk.generate("a", first.assignment, at: 0, [10, 11])
        talk.say(.workerDisconnected(Conversation.connection("a")))
        let second = try #require(talk.directives.assigns.first)
        talk.end("b", second.assignment)
        let trace = try #require(talk.directives.finals.first).trace
        #expect(trace.map(\.worker) == ["a", "b"] && trace.map(\.outcome) == [.workerLost, .finished])
        #expect(trace.map(\.firstPosition) == [0, 2] && trace.map(\.tokens) == [2, 0])
    }

    @Test("A stop string cuts the answer, withdraws the work and ends the query")
    func stop() throws {
        var (talk, assign) = try start()
        talk.generate("a", assign.assignment, at: 0, [10, 11, 12])
        talk.say(.stopped(Conversation.key(1), keepTokens: 2))
        #expect(talk.directives.finals.map(\.finishReason) == [.stopString])
        #expect(talk.directives.finals.map(\.generatedTokens) == [2])
        #expect(talk.directives.withdrawn == [assign.assignment])
        #expect(talk.machine.retained(Conversation.key(1))?.tokens == [10, 11])
        talk.say(.stopped(Conversation.key(1), keepTokens: 1))
        #expect(talk.directives.isEmpty)
    }

    @Test("The deadline ends a query at its moment, queued or running, and takes the work back")
    func deadline() throws {
        var talk = Conversation()
        talk.join("a", capacity: 1)
        for id: UInt64 in 1...2 {
            var submission = Conversation.submission(id)
            submission.deadlineMilliseconds = 900
            talk.say(.submitted(submission))
        }
        #expect(
            talk.machine.nextDeadline == talk.now.advanced(byMilliseconds: 750), "the worker's suspicion comes first")
        #expect(talk.wait(milliseconds: 899).failures.isEmpty)
        talk.wait(milliseconds: 1)
        #expect(talk.directives.failures.map(\.kind) == [.deadlineExceeded, .deadlineExceeded])
        #expect(talk.directives.withdrawn.count == 1 && talk.directives.forgotten.count == 2)
    }

    @Test("Whatever event comes when a deadline is due, the deadline is kept")
    func deadlineDuringFlood() {
        var talk = Conversation()
        talk.join("a")
        var submission = Conversation.submission(1)
        submission.deadlineMilliseconds = 100
        talk.say(.submitted(submission))
        talk.now = talk.now.advanced(byMilliseconds: 100)
        talk.beat("a")
        #expect(talk.directives.failures.map(\.kind) == [.deadlineExceeded])
    }

    @Test("A lease that is renewed holds; one that is not ends the query")
    func lease() {
        var talk = Conversation { $0.withdrawMilliseconds = 60_000 }
        talk.join("a")
        talk.submit(1)
        talk.submit(2)
        for _ in 0..<3 {
            talk.live(["a"], milliseconds: 4000)
            talk.renew(1)
        }
        // Query 2's lease of 10 s ended on the way.
        #expect(talk.machine.census.liveQueries == 1)
        talk.live(["a"], milliseconds: 9_999)
        #expect(talk.machine.census.liveQueries == 1)
        #expect(talk.live(["a"], milliseconds: 400).failures.map(\.kind) == [.leaseExpired])
    }

    @Test("Cancelling ends the query and its work; what is unknown is said to be")
    func cancel() throws {
        var (talk, assign) = try start()
        let client = Conversation.client("alice")
        talk.say(.cancelled(Conversation.key(1, of: "bob"), from: Conversation.client("bob")))
        #expect(talk.directives.failures.map(\.kind) == [.unknownQuery], "another identity's id")
        talk.say(.cancelled(Conversation.key(1), from: client))
        #expect(talk.directives.failures.map(\.kind) == [.cancelled])
        #expect(talk.directives.withdrawn == [assign.assignment])
        talk.say(.cancelled(Conversation.key(1), from: client))
        #expect(talk.directives.isEmpty, "a cancellation that crossed the ending")
        talk.renew(9)
        #expect(talk.directives.failures.map(\.kind) == [.unknownQuery])
    }

    @Test("After everything ended, nothing is left but what is retained, and then not even that")
    func drained() {
        var talk = Conversation()
        talk.join("a", capacity: 3)
        let assigns = (1...3).flatMap { talk.submit($0).assigns }
        for assign in assigns { talk.end("a", assign.assignment) }
        #expect(talk.machine.census.retained == 3 && talk.machine.heldAssignments == 0)
        talk.live(["a"], milliseconds: 60_000)
        let census = talk.machine.census
        #expect(census.liveQueries == 0 && census.retained == 0 && census.retainedBytes == 0 && census.identities == 0)
        #expect(census.timers == 1, "the worker's")
        #expect(talk.machine.inconsistencies() == [])
    }
}
