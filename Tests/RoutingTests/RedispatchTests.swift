import Routing
import Testing

@Suite("Losing a worker costs time, not answers")
struct RedispatchTests {
    private func start(_ workers: [String]) throws -> (Conversation, Assign) {
        var talk = Conversation()
        for name in workers { talk.join(name) }
        let assign = try #require(talk.submit(1).assigns.first)
        return (talk, assign)
    }

    private func lose(_ worker: String, _ talk: inout Conversation) {
        talk.say(.workerDisconnected(Conversation.connection(worker)))
    }

    @Test("Before the first token: the prompt goes to the other worker")
    func beforeFirstToken() throws {
        var (talk, first) = try start(["a", "b"])
        lose(first.worker, &talk)
        let second = try #require(talk.directives.assigns.first)
        #expect(second.worker == "b" && second.tokens == [1, 2, 3] && second.generatedBefore == 0)
        #expect(second.assignment != first.assignment)
    }

    @Test("After it: the prompt and what was generated, and the continuation has no seam")
    func afterFirstToken() throws {
        var (talk, first) = try start(["a", "b"])
        talk.generate("a", first.assignment, at: 0, [10, 11])
        talk.generate("a", first.assignment, at: 2, [12])
        lose("a", &talk)
        let second = try #require(talk.directives.assigns.first)
        #expect(second.tokens == [1, 2, 3, 10, 11, 12] && second.generatedBefore == 3)
        #expect(second.maxTokens == 8 && second.sampling.seed == 7)
        talk.generate("b", second.assignment, at: 3, [13])
        let advance = try #require(talk.directives.advances.first)
        #expect(advance.position == 3 && advance.tokens == [13] && advance.attempt == 2)
        talk.end("b", second.assignment)
        #expect(talk.directives.finals.map(\.generatedTokens) == [4])
        #expect(talk.directives.finals.map(\.attempt) == [2])
    }

    @Test("When only the word that it was over got lost, nothing is computed again")
    func lastWord() throws {
        var (talk, first) = try start(["a", "b"])
        talk.generate("a", first.assignment, at: 0, [1, 2, 3, 4, 5, 6, 7, 8])
        lose("a", &talk)
        #expect(talk.directives.finals.map(\.finishReason) == [.maxTokens])
        #expect(talk.directives.assigns.isEmpty)
    }

    @Test("A query that was on two workers when they died is poison")
    func poison() throws {
        var (talk, first) = try start(["a", "b", "c"])
        lose(first.worker, &talk)
        let second = try #require(talk.directives.assigns.first)
        lose(second.worker, &talk)
        #expect(talk.directives.failures.map(\.kind) == [.poisonQuery])
        #expect(talk.directives.assigns.isEmpty)
    }

    @Test("At most two re-dispatches, whatever goes wrong")
    func attempts() throws {
        var (talk, assign) = try start(["a", "b", "c", "d"])
        for attempt in 1...3 {
            talk.end(assign.worker, assign.assignment, .failed)
            if attempt < 3 { assign = try #require(talk.directives.assigns.first) }
        }
        #expect(talk.directives.failures.map(\.kind) == [.workerLost])
        #expect(talk.directives.assigns.isEmpty)
    }

    @Test("A worker that failed a query is not asked again for it, not even when it is idle")
    func avoided() throws {
        var (talk, first) = try start(["a", "b"])
        talk.end(first.worker, first.assignment, .refused)
        let second = try #require(talk.directives.assigns.first)
        talk.end(second.worker, second.assignment, .refused)
        #expect(Set([first.worker, second.worker]) == ["a", "b"])
        #expect(talk.directives.failures.map(\.kind) == [.workerLost])
    }

    @Test("An interrupted query goes before those that never ran")
    func priority() throws {
        var talk = Conversation()
        talk.join("a", capacity: 1)
        let first = try #require(talk.submit(1).assigns.first)
        talk.join("b", capacity: 1)
        let second = try #require(talk.submit(2, of: "bob").assigns.first)
        talk.submit(3, of: "carol")
        lose(first.worker, &talk)
        #expect(talk.directives.assigns.isEmpty && talk.directives.failures.isEmpty)
        talk.end(second.worker, second.assignment)
        #expect(talk.directives.assigns.map(\.query) == [Conversation.key(1)])
    }

    @Test("Tokens that came before are passed over, also where only some are new")
    func duplicates() throws {
        var (talk, assign) = try start(["a"])
        talk.generate("a", assign.assignment, at: 0, [10, 11])
        talk.generate("a", assign.assignment, at: 0, [10, 11])
        #expect(talk.directives.advances.isEmpty && talk.directives.total(.duplicateTokens) == 2)
        talk.generate("a", assign.assignment, at: 1, [11, 12])
        let advance = try #require(talk.directives.advances.first)
        #expect(advance.position == 2 && advance.tokens == [12])
    }

    @Test(
        "What cannot be a continuation is the worker's fault and moves the query",
        arguments: [
            (3, [12]), (-1, [12]), (0, [10, 99]), (2, [12, 13, 14, 15, 16, 17, 18]), (2, [-5]), (2, [1000]),
        ] as [(Int, [Int32])])
    func faults(position: Int, tokens: [Int32]) throws {
        var (talk, assign) = try start(["a", "b"])
        talk.generate("a", assign.assignment, at: 0, [10, 11])
        talk.generate("a", assign.assignment, at: position, tokens)
        #expect(talk.directives.advances.isEmpty)
        #expect(talk.directives.withdrawn == [assign.assignment])
        #expect(talk.directives.total(.workerFaults) == 1)
        let second = try #require(talk.directives.assigns.first)
        #expect(second.worker == "b" && second.tokens == [1, 2, 3, 10, 11])
    }

    @Test(
        "An ending before the tokens are there is a fault; work given back unasked too",
        arguments: [
            Ended.Kind.maxTokens, .withdrawn, .refused, .failed,
        ])
    func endings(kind: Ended.Kind) throws {
        var (talk, assign) = try start(["a", "b"])
        talk.generate("a", assign.assignment, at: 0, [10])
        talk.end("a", assign.assignment, kind)
        #expect(talk.directives.finals.isEmpty)
        #expect(talk.directives.assigns.map(\.worker) == ["b"])
    }

    @Test("Messages about an attempt that is over change nothing")
    func stale() throws {
        var (talk, assign) = try start(["a"])
        talk.generate("a", assign.assignment, at: 0, [10])
        talk.end("a", assign.assignment)
        let before = talk.machine.census
        talk.generate("a", assign.assignment, at: 1, [11])
        #expect(talk.directives.advances.isEmpty && talk.directives.withdrawn == [assign.assignment])
        talk.end("a", assign.assignment)
        #expect(talk.directives.deliveries.isEmpty && talk.machine.census == before)
    }

    @Test("Another worker's word about an assignment counts for nothing")
    func impostor() throws {
        var (talk, assign) = try start(["a", "b"])
        talk.generate("b", assign.assignment, at: 0, [10])
        #expect(talk.directives.advances.isEmpty)
        talk.end("b", assign.assignment)
        #expect(talk.directives.finals.isEmpty && talk.machine.census.liveQueries == 1)
    }

    @Test("Log probabilities that were asked for come one per token, or the worker is at fault")
    func logprobs() throws {
        var talk = Conversation()
        talk.join("a", "b")
        var submission = Conversation.submission(1)
        submission.topLogprobs = 2
        talk.say(.submitted(submission))
        let assign = try #require(talk.directives.assigns.first)
        let one = TokenLogprobs(logprob: -1, top: [.init(token: 3, logprob: -1)])
        let connection = Conversation.connection("a")
        talk.say(
            .generated(
                Generated(assignment: assign.assignment, position: 0, tokens: [3], logprobs: [one]), from: connection))
        #expect(talk.directives.advances.map(\.logprobs) == [[one]])
        talk.generate("a", assign.assignment, at: 1, [4])
        #expect(talk.directives.assigns.map(\.worker) == ["b"])
    }

    @Test("An ending that counts more tokens than have arrived: some are missing, so another worker makes them")
    func missedTokens() throws {
        var talk = Conversation()
        talk.join("a", "b")
        let first = try #require(talk.submit(1).assigns.first)
        talk.generate(first.worker, first.assignment, at: 0, [10])
        let connection = Conversation.connection(first.worker)
        talk.say(.ended(Ended(assignment: first.assignment, kind: .endToken, generatedTokens: 2), from: connection))
        #expect(talk.directives.finals.isEmpty)
        let second = try #require(talk.directives.assigns.first)
        #expect(second.worker != first.worker && second.generatedBefore == 1)
        let other = Conversation.connection(second.worker)
        talk.say(.ended(Ended(assignment: second.assignment, kind: .endToken, generatedTokens: 1), from: other))
        #expect(talk.directives.finals.map(\.generatedTokens) == [1])
    }
}
