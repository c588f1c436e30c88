import Routing
import Testing

/// Nodes with a bound on their time.
struct WalkDeadlineTests {
    static func talk(_ change: (inout NodeGraph) -> Void) -> Conversation {
        var talk = WalkTests.talk(change)
        WalkTests.join(&talk, "w", ["master:m", "g", "f"])
        return talk
    }

    /// Runs a query until french answers; the assignment.
    static func answering(_ talk: inout Conversation, _ id: UInt64) throws -> Assign {
        try WalkTests.decided(&talk, id, logits: [0, 5, -9])
        WalkTests.encode(&talk, id, [4])
        return try #require(talk.directives.assigns.first)
    }

    @Test func anotherNodeAnswersForOneThatTakesTooLong() throws {
        var talk = Self.talk { $0.nodes["french"]?.deadlineMilliseconds = 700 }
        let assign = try Self.answering(&talk, 1)
        #expect(assign.deadlineMilliseconds == 700)
        #expect(WalkTests.preparations(talk.live(["w"], milliseconds: 699)).isEmpty)
        let after = talk.live(["w"], milliseconds: 1)
        #expect(WalkTests.preparations(after) == [.answer(node: "general", rewrite: nil)])
        #expect(after.withdrawn == [assign.assignment] && after.failures.isEmpty)
        WalkTests.encode(&talk, 1, [4])
        let general = try #require(talk.directives.assigns.first).assignment
        talk.say(.ended(Ended(assignment: assign.assignment, kind: .withdrawn), from: Conversation.connection("w")))
        // Without a bound of its own, general has the query's time.
        talk.renew(1)
        talk.live(["w"], milliseconds: 2000)
        talk.generate("w", general, at: 0, [7])
        talk.end("w", general)
        let walk = try #require(talk.directives.finals.first?.walk)
        #expect(walk.steps.map(\.node) == ["m", "french", "general"])
        #expect(walk.steps[1].outcome.contains("french has not ended within its 700 ms"))
        #expect(talk.machine.inconsistencies().isEmpty)
    }

    @Test func afterTheFirstByteTheQueryEndsTyped() throws {
        var talk = Self.talk { $0.nodes["french"]?.deadlineMilliseconds = 700 }
        let assign = try Self.answering(&talk, 1)
        talk.live(["w"], milliseconds: 400)
        talk.generate("w", assign.assignment, at: 0, [7])
        let failure = try #require(talk.live(["w"], milliseconds: 300).failures.first)
        #expect(failure.kind == .deadlineExceeded && failure.tokensSent == 1)
        #expect(failure.message.hasPrefix("french has not ended within its 700 ms"))
        #expect(talk.machine.census.liveQueries == 0)
    }

    @Test func noNodeTakesOverWhenTheQuerysOwnTimeIsUp() throws {
        var talk = Self.talk {
            $0.millisecondsMax = 700
            $0.nodes["french"]?.deadlineMilliseconds = 700
        }
        _ = try Self.answering(&talk, 1)
        let after = talk.live(["w"], milliseconds: 700)
        #expect(after.failures.map(\.kind) == [.deadlineExceeded] && WalkTests.preparations(after).isEmpty)
    }

    @Test func aMasterThatTakesTooLongLeavesItToGeneral() throws {
        var talk = Self.talk { $0.nodes["m"]?.deadlineMilliseconds = 300 }
        WalkTests.submit(&talk, 1)
        WalkTests.encode(&talk, 1, [1])
        let after = talk.live(["w"], milliseconds: 300)
        #expect(WalkTests.preparations(after) == [.answer(node: "general", rewrite: nil)])
    }

    @Test func aRewriteThatTakesTooLongLeavesTheOriginalWithTheNodesWholeTime() throws {
        var talk = Self.talk {
            $0.nodes["french"]?.wantsRewrite = true
            $0.nodes["french"]?.deadlineMilliseconds = 100
            $0.nodes["m"]?.deadlineMilliseconds = 300
        }
        try WalkTests.decided(&talk, 1, logits: [0, 5, -9])
        let rewrite = try #require(talk.directives.assigns.first)
        #expect(rewrite.rewriteBytes > 0 && rewrite.deadlineMilliseconds == 300)
        let after = talk.live(["w"], milliseconds: 300)
        #expect(WalkTests.preparations(after) == [.answer(node: "french", rewrite: nil)])
        WalkTests.encode(&talk, 1, [4])
        #expect(talk.directives.assigns.first?.deadlineMilliseconds == 100)
    }

    @Test func aServerThatTakesTooLongIsHungUpOnAndPassedOver() throws {
        var talk = Self.talk {
            $0.nodes["french"]?.work = .endpoint
            $0.nodes["french"]?.deadlineMilliseconds = 300
        }
        try WalkTests.decided(&talk, 1, logits: [0, 5, -9])
        WalkTests.encode(&talk, 1, [])
        let calls: [EndpointCall] = talk.directives.compactMap { if case .call(let call) = $0 { call } else { nil } }
        let call = try #require(calls.first)
        #expect(call.deadlineMilliseconds == 300)
        let after = talk.live(["w"], milliseconds: 300)
        #expect(after.contains(.hangUp(call.query, ticket: call.ticket)))
        #expect(WalkTests.preparations(after) == [.answer(node: "general", rewrite: nil)])
        try WalkTests.decided(&talk, 2, logits: [0, 5, -9])
        #expect(WalkTests.preparations(talk.directives) == [.answer(node: "general", rewrite: nil)])
    }

    @Test func aNodeThatNobodyWalksFromHasItsBoundToo() {
        var talk = Conversation {
            $0.graph.nodes["default"] = GraphNode("default", .model("m", nil))
            $0.graph.nodes["default"]?.deadlineMilliseconds = 500
        }
        talk.join("w")
        #expect(talk.submit(1).assigns.map(\.deadlineMilliseconds) == [500])
        #expect(talk.live(["w"], milliseconds: 499).failures.isEmpty)
        #expect(talk.live(["w"], milliseconds: 1).failures.map(\.kind) == [.deadlineExceeded])
    }
}
