import Deciding
import Routing
import Testing

/// What a walk owes its client and the router's bounds, whatever nodes do.
struct WalkBoundsTests {
    @Test func aMasterThatDidNotNameTheNodeIsNotAskedForItsWords() throws {
        // Down, timed out, abstained, under every threshold.
        var down = WalkTests.talk { $0.nodes["general"]?.wantsRewrite = true }
        WalkTests.join(&down, "w", ["g"])
        WalkTests.submit(&down, 1)
        WalkTests.encode(&down, 1, [1])
        #expect(WalkTests.preparations(down.directives) == [.answer(node: "general", rewrite: nil)])

        var late = WalkTests.talk {
            $0.nodes["general"]?.wantsRewrite = true
            $0.nodes["m"]?.deadlineMilliseconds = 300
        }
        WalkTests.join(&late, "w", ["master:m", "g"])
        WalkTests.submit(&late, 1)
        WalkTests.encode(&late, 1, [1])
        let after = late.live(["w"], milliseconds: 300)
        #expect(WalkTests.preparations(after) == [.answer(node: "general", rewrite: nil)])

        for (mass, threshold) in [(0.2, 0.0), (0.9, 1.0)] {
            var unsure = WalkTests.talk {
                $0.nodes["general"]?.wantsRewrite = true
                $0.nodes["general"]?.threshold = threshold
                $0.nodes["french"]?.threshold = threshold
            }
            WalkTests.join(&unsure, "w", ["master:m", "g", "f"])
            try WalkTests.decided(&unsure, 1, logits: [3, 0, -9], mass: mass)
            #expect(WalkTests.preparations(unsure.directives) == [.answer(node: "general", rewrite: nil)])
        }
        // An unsure master leaves a conversation where it is, in the client's words.
        var stays = WalkTests.talk { $0.nodes["french"]?.wantsRewrite = true }
        WalkTests.join(&stays, "w", ["master:m", "g", "f"])
        try WalkTests.decided(&stays, 1, logits: [0, 0, -9], mass: 0.2, current: "french")
        #expect(WalkTests.preparations(stays.directives) == [.answer(node: "french", rewrite: nil)])
    }

    @Test func aRewriteThatFailsIsNoStep() throws {
        var talk = WalkTests.talk {
            $0.nodes["french"]?.wantsRewrite = true
            $0.stepsMax = 2
        }
        WalkTests.join(&talk, "w", ["master:m"])
        WalkTests.join(&talk, "v", ["f", "g"])
        try WalkTests.decided(&talk, 1, logits: [0, 5, -9])
        talk.say(.workerDisconnected(Conversation.connection("w")))
        WalkTests.encode(&talk, 1, [4])
        let answer = try #require(talk.directives.assigns.first)
        talk.end("v", answer.assignment)
        let walk = try #require(talk.directives.finals.first?.walk)
        #expect(walk.steps.map(\.outcome) == ["decided", "answered"])
        #expect(walk.rewrite?.originalKept == true && walk.rewrite?.lost.first?.contains("workerLost") == true)
    }

    @Test func aRetainedOutcomeThatIsPickedUpBeginsWithAccepted() throws {
        var talk = WalkTests.talk()
        WalkTests.join(&talk, "w", ["master:m", "g", "f"])
        try WalkTests.decided(&talk, 1, logits: [0, 5, -9])
        WalkTests.encode(&talk, 1, [4])
        let assign = try #require(talk.directives.assigns.first)
        talk.say(.undeliverable(Conversation.client("alice")))
        talk.generate("w", assign.assignment, at: 0, [6])
        talk.end("w", assign.assignment)
        #expect(talk.directives.deliveries.isEmpty)
        talk.renew(1)
        #expect(talk.directives.accepted.count == 1 && talk.directives.finals.count == 1)
    }

    /// The retry falls between two nodes, when the query is being encoded again.
    @Test func anAcceptedThatFoundAFullPipeIsSentAgainBetweenTwoStages() throws {
        var talk = WalkTests.talk()
        WalkTests.join(&talk, "w", ["master:m", "g", "f"])
        WalkTests.submit(&talk, 1)
        WalkTests.encode(&talk, 1, [1, 2, 3])
        let assign = try #require(talk.directives.assigns.first)
        talk.say(.congested(Conversation.client("alice"), query: Conversation.key(1), position: 0))
        talk.say(
            .ended(
                Ended(
                    assignment: assign.assignment, kind: .decided,
                    reading: MasterReading(logits: [0, 5, -9], mass: 0.9)),
                from: Conversation.connection("w")))
        #expect(talk.live(["w"], milliseconds: 100).accepted.count == 1)
    }

    @Test func theBoundOnPromptTokensHoldsForCallsAndRewrites() throws {
        var talk = Conversation { configuration in
            configuration.limits.promptTokensMax = 5
            configuration.limits.promptTokensTotalMax = 8
            configuration.graph = WalkTests.graph {
                $0.nodes["french"]?.work = .endpoint
                $0.nodes["general"]?.wantsRewrite = true
            }
        }
        WalkTests.join(&talk, "w", ["master:m", "g"])
        try WalkTests.decided(&talk, 1, logits: [0, 5, -9])
        WalkTests.encode(&talk, 1, [1, 2, 3, 4, 5, 6])
        #expect(WalkTests.preparations(talk.directives) == [.answer(node: "general", rewrite: nil)])
        WalkTests.encode(&talk, 1, [1, 2, 3, 4])
        // A rewrite would hold five tokens beside the four at hand.
        WalkTests.submit(&talk, 2)
        WalkTests.encode(&talk, 2, [1, 2, 3, 4])
        try WalkTests.read(&talk, "w", [5, 0, -9])
        #expect(WalkTests.preparations(talk.directives) == [.answer(node: "general", rewrite: nil)])
        #expect(talk.machine.census.promptTokens <= 8 && talk.machine.inconsistencies().isEmpty)
    }

    /// An edited graph need not have the nodes that a query is on its way to.
    @Test func aNodeThatIsGoneEndsNobodysQuery() throws {
        var talk = WalkTests.talk { $0.nodes["french"]?.wantsRewrite = true }
        WalkTests.join(&talk, "w", ["master:m", "g", "f"])
        try WalkTests.decided(&talk, 1, logits: [0, 5, -9])
        let rewrite = try #require(talk.directives.assigns.first)
        talk.say(.graphChanged(WalkTests.graph { $0.nodes["french"] = nil }))
        talk.end("w", rewrite.assignment)
        #expect(WalkTests.preparations(talk.directives) == [.answer(node: "general", rewrite: nil)])
        WalkTests.submit(&talk, 2)
        WalkTests.encode(&talk, 2, [1])
        let reading = try #require(talk.directives.assigns.first)
        talk.say(.graphChanged(NodeGraph()))
        talk.say(
            .ended(
                Ended(
                    assignment: reading.assignment, kind: .decided,
                    reading: MasterReading(logits: [5, 0, -9], mass: 0.9)), from: Conversation.connection("w")))
        #expect(talk.directives.failures.map(\.kind) == [.unknownNode])
    }

    @Test func theVisitThatIsCutShortIsInTheTrace() throws {
        var talk = WalkTests.talk { $0.millisecondsMax = 500 }
        WalkTests.join(&talk, "w", ["master:m", "g", "f"])
        try WalkTests.decided(&talk, 1, logits: [0, 5, -9])
        WalkTests.encode(&talk, 1, [4])
        let steps = try #require(talk.live(["w"], milliseconds: 500).failures.first?.walk?.steps)
        #expect(steps.map(\.node) == ["m", "french"] && steps[1].outcome.hasPrefix("deadlineExceeded"))
    }
}
