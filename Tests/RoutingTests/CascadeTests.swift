import Deciding
import Routing
import Testing

/// A cheap node answers first; an answer that is kept back is not lost.
struct CascadeTests {
    static func talk(_ change: (inout NodeGraph) -> Void = { _ in }) -> Conversation {
        var talk = WalkTests.talk {
            $0.nodes["general"]?.cascade = .init(to: "french", threshold: 0.5)
            change(&$0)
        }
        WalkTests.join(&talk, "w", ["master:m", "g"])
        WalkTests.join(&talk, "v", ["f"])
        return talk
    }

    /// General has answered [6, 7], unsure; french is asked. The assignment of french.
    static func escalated(_ talk: inout Conversation, _ id: UInt64 = 1) throws -> Assign? {
        try WalkTests.decided(&talk, id, logits: [5, 0, -9])
        WalkTests.encode(&talk, id, [4])
        let cheap = try #require(talk.directives.assigns.first)
        let logprobs = Array(repeating: TokenLogprobs(logprob: -2), count: 2)
        talk.say(
            .generated(
                Generated(assignment: cheap.assignment, position: 0, tokens: [6, 7], logprobs: logprobs),
                from: Conversation.connection("w")))
        talk.end("w", cheap.assignment)
        #expect(talk.directives.deliveries.isEmpty)
        guard !WalkTests.preparations(talk.directives).isEmpty else { return nil }
        WalkTests.encode(&talk, id, [5])
        return talk.directives.assigns.first
    }

    private static func expectKept(_ directives: [Directive]) throws {
        #expect(directives.failures.isEmpty)
        #expect(directives.contains(.revive(Conversation.key(1), AnswerPart(node: "general", tokens: [6, 7]))))
        #expect(directives.replays.first?.tokens == [6, 7] && directives.replays.first?.logprobs == [])
        let final = try #require(directives.finals.first)
        #expect(final.generatedTokens == 2 && final.promptTokens == 1 && final.walk?.node == "general")
        let steps = try #require(final.walk?.steps)
        #expect(steps.map(\.node) == ["m", "general", "french"])
        #expect(steps[1].outcome == "unsure; kept, since french did not answer" && steps[1].confidence != nil)
    }

    @Test func theCheapAnswerIsTheAnswerWhenTheBetterNodeFails() throws {
        var talk = Self.talk()
        _ = try Self.escalated(&talk)
        try Self.expectKept(talk.say(.workerDisconnected(Conversation.connection("v"))))
        #expect(talk.machine.inconsistencies().isEmpty)
    }

    @Test func andWhenTheBetterNodeTakesTooLong() throws {
        var talk = Self.talk { $0.nodes["french"]?.deadlineMilliseconds = 300 }
        _ = try Self.escalated(&talk)
        try Self.expectKept(talk.live(["v", "w"], milliseconds: 300))
    }

    @Test func andWhenTheQuerysOwnTimeIsUp() throws {
        var talk = Self.talk { $0.millisecondsMax = 600 }
        _ = try Self.escalated(&talk)
        try Self.expectKept(talk.live(["v", "w"], milliseconds: 600))
    }

    @Test func aFallbackOfTheBetterNodeGoesBeforeIt() throws {
        var talk = Self.talk { graph in
            graph.nodes["far"] = GraphNode("far", .model("h", nil))
            graph.nodes["french"]?.fallbacks = ["far"]
        }
        WalkTests.join(&talk, "u", ["h"])
        _ = try Self.escalated(&talk)
        talk.say(.workerDisconnected(Conversation.connection("v")))
        #expect(WalkTests.preparations(talk.directives) == [.answer(node: "far", rewrite: nil)])
        talk.say(.workerDisconnected(Conversation.connection("u")))
        // Still being encoded: it fails once nobody can take it.
        WalkTests.encodeLast(&talk, [5])
        #expect(talk.directives.finals.first?.walk?.node == "general")
    }

    @Test func afterTheBetterNodesFirstByteTheStreamIsItsOwn() throws {
        var talk = Self.talk()
        let better = try #require(try Self.escalated(&talk))
        talk.generate("v", better.assignment, at: 0, [9])
        #expect(talk.directives.advances.first?.connection != nil)
        talk.say(.workerDisconnected(Conversation.connection("v")))
        let failure = try #require(talk.directives.failures.first)
        #expect(failure.kind == .workerLost && failure.tokensSent == 1)
    }

    /// The same answer, mean log-probability -2: e^-2 = 0.14 is under the threshold; calibrated it is 1 / (1 + e^-1) = 0.73.
    @Test func aCalibratedConfidenceIsComparedInstead() throws {
        var talk = Self.talk {
            $0.nodes["general"]?.cascade = .init(to: "french", threshold: 0.5, calibration: PlattScaling(a: 0.5, b: 2))
        }
        try WalkTests.decided(&talk, 1, logits: [5, 0, -9])
        WalkTests.encode(&talk, 1, [4])
        let cheap = try #require(talk.directives.assigns.first)
        talk.say(
            .generated(
                Generated(
                    assignment: cheap.assignment, position: 0, tokens: [6], logprobs: [TokenLogprobs(logprob: -2)]),
                from: Conversation.connection("w")))
        talk.end("w", cheap.assignment)
        let step = try #require(talk.directives.finals.first?.walk?.steps.last)
        #expect(step.outcome == "answered" && abs((step.confidence ?? 0) - 0.7310585786) < 1e-6)
    }

    @Test func aCancelledQueryIsNotAnsweredWithIt() throws {
        var talk = Self.talk()
        _ = try Self.escalated(&talk)
        talk.say(.cancelled(Conversation.key(1), from: Conversation.client("alice")))
        #expect(talk.directives.failures.map(\.kind) == [.cancelled] && talk.directives.finals.isEmpty)
    }
}
