import Deciding
import Routing
import Testing

/// Several nodes are asked at once.
struct FanTests {
    /// Nodes general (on worker w), french (on v), and both masters' readings by w.
    static func talk(
        _ how: Reassembly, top: Int = 2, _ change: (inout NodeGraph) -> Void = { _ in }
    ) -> Conversation {
        var talk = WalkTests.talk { graph in
            guard case .master(var master) = graph.nodes["m"]?.work else { return }
            master.top = top
            master.reassembly = how
            graph.nodes["m"]?.work = .master(master)
            change(&graph)
        }
        WalkTests.join(&talk, "w", ["master:m", "g"])
        WalkTests.join(&talk, "v", ["f"])
        return talk
    }

    /// To the assignments of french and general, in this order.
    static func fanned(_ talk: inout Conversation, _ id: UInt64 = 1) throws -> [Assign] {
        try WalkTests.decided(&talk, id, logits: [1, 2, -9])
        #expect(
            WalkTests.preparations(talk.directives)
                == [.answer(node: "french", rewrite: nil), .answer(node: "general", rewrite: nil)])
        return encodeAll(&talk).assigns
    }

    static func encodeAll(_ talk: inout Conversation) -> [Directive] {
        let all = talk.directives
        var after: [Directive] = []
        for case .prepare(let key, let ticket, _) in all {
            after += talk.say(.prepared(key, ticket: ticket, promptTokens: [4, Int32(key.branch)]))
        }
        return after
    }

    static func assembled(_ talk: inout Conversation, _ bytes: [UInt8] = [65, 66]) -> [AnswerPart] {
        for case .assemble(let key, let ticket, let parts, _) in talk.directives {
            talk.say(.assembled(key, ticket: ticket, bytes: bytes))
            return parts
        }
        return []
    }

    @Test func allChosenNodesAreAskedAtOnce() throws {
        var talk = Self.talk(.concatenate)
        let assigns = try Self.fanned(&talk)
        #expect(assigns.map(\.model) == ["f", "g"] && assigns.map(\.worker) == ["v", "w"])
        #expect(Set(assigns.map(\.query.root)) == [Conversation.key(1)] && assigns.allSatisfy(\.query.isBranch))
        let census = talk.machine.census
        #expect(census.liveQueries == 1 && census.branches == 2 && census.runningQueries == 2)
        #expect(talk.machine.inconsistencies().isEmpty)
    }

    @Test func answersAreGatheredInTheOrderOfNodesWhoeverEndsFirst() throws {
        var talk = Self.talk(.concatenate)
        let assigns = try Self.fanned(&talk)
        talk.generate("w", assigns[1].assignment, at: 0, [7])
        #expect(talk.directives.advances.allSatisfy { $0.connection == nil })
        talk.end("w", assigns[1].assignment)
        #expect(talk.directives.deliveries.isEmpty)
        talk.generate("v", assigns[0].assignment, at: 0, [6])
        talk.end("v", assigns[0].assignment)
        let parts = Self.assembled(&talk)
        #expect(parts.map(\.node) == ["french", "general"] && parts.map(\.tokens) == [[6], [7]])
        #expect(talk.directives.advances.first?.tokens == [65, 66])
        let final = try #require(talk.directives.finals.first)
        #expect(final.generatedTokens == 2)
        #expect(final.walk?.steps.map(\.outcome) == ["decided", "answered", "answered"])
        #expect(final.walk?.steps.map(\.branch) == [0, 1, 2] && final.walk?.node == "french")
        #expect(talk.machine.census.branches == 0 && talk.machine.inconsistencies().isEmpty)
    }

    @Test func aNodeThatFailsIsLeftOut() throws {
        var talk = Self.talk(.vote)
        let assigns = try Self.fanned(&talk)
        talk.say(.workerDisconnected(Conversation.connection("v")))
        #expect(WalkTests.preparations(talk.directives).isEmpty && talk.directives.failures.isEmpty)
        talk.generate("w", assigns[1].assignment, at: 0, [7])
        talk.end("w", assigns[1].assignment)
        #expect(Self.assembled(&talk).map(\.node) == ["general"])
        let steps = try #require(talk.directives.finals.first?.walk?.steps)
        #expect(steps.map(\.node) == ["m", "french", "general"] && steps[1].outcome.hasPrefix("workerLost"))
    }

    @Test func theFirstByteWinsAndTheOthersAreCancelled() throws {
        var talk = Self.talk(.first)
        let assigns = try Self.fanned(&talk)
        talk.generate("w", assigns[1].assignment, at: 0, [7])
        #expect(talk.directives.withdrawn == [assigns[0].assignment])
        #expect(talk.directives.contains(.adopt(Conversation.key(1), from: assigns[1].query)))
        #expect(talk.directives.forgotten == [assigns[0].query])
        let advance = try #require(talk.directives.advances.first)
        #expect(advance.query == Conversation.key(1) && advance.tokens == [7] && advance.connection != nil)
        #expect(talk.machine.inconsistencies().isEmpty)
        talk.generate("w", assigns[1].assignment, at: 1, [8])
        #expect(talk.directives.advances.first?.position == 1)
        talk.end("w", assigns[1].assignment)
        let final = try #require(talk.directives.finals.first)
        #expect(final.generatedTokens == 2 && final.walk?.node == "general")
        #expect(
            final.walk?.steps.map { "\($0.node) \($0.outcome) \($0.branch)" } == [
                "m decided 0", "french another node was first 1", "general answered 2",
            ])
        #expect(final.promptTokens == 2)
    }

    /// Tokens that were sent are continued elsewhere as any query's are.
    @Test func theWinnersWorkerMayBeLost() throws {
        var talk = Self.talk(.first)
        let assigns = try Self.fanned(&talk)
        talk.generate("w", assigns[1].assignment, at: 0, [7])
        talk.end("v", assigns[0].assignment, .withdrawn)
        WalkTests.join(&talk, "u", ["g"])
        talk.say(.workerDisconnected(Conversation.connection("w")))
        let again = try #require(talk.directives.assigns.first)
        #expect(again.worker == "u" && again.tokens == [4, 2, 7] && again.query == Conversation.key(1))
        talk.end("u", again.assignment)
        #expect(talk.directives.finals.first?.generatedTokens == 1)
    }

    @Test func aCancelledQueryEndsAllItsBranches() throws {
        for how in [Reassembly.first, .vote] {
            var talk = Self.talk(how)
            let assigns = try Self.fanned(&talk)
            talk.say(.cancelled(Conversation.key(1), from: Conversation.client("alice")))
            #expect(talk.directives.withdrawn == assigns.map(\.assignment))
            #expect(talk.directives.forgotten == assigns.map(\.query) + [Conversation.key(1)])
            let failure = try #require(talk.directives.failures.first)
            #expect(failure.kind == .cancelled && failure.walk?.steps.count == 3)
            #expect(talk.machine.census.branches == 0 && talk.machine.inconsistencies().isEmpty)
        }
    }

    @Test func oneEndingAtTheDeadlineOfAll() throws {
        var talk = Self.talk(.concatenate) { $0.millisecondsMax = 600 }
        let assigns = try Self.fanned(&talk)
        let after = talk.live(["v", "w"], milliseconds: 600)
        #expect(after.failures.map(\.kind) == [.deadlineExceeded])
        #expect(Set(after.withdrawn) == Set(assigns.map(\.assignment)))
        #expect(talk.machine.census.branches == 0 && talk.machine.census.liveQueries == 0)
    }

    @Test func aNodesOwnTimeLeavesItOut() throws {
        var talk = Self.talk(.concatenate) { $0.nodes["french"]?.deadlineMilliseconds = 300 }
        let assigns = try Self.fanned(&talk)
        #expect(talk.live(["v", "w"], milliseconds: 300).withdrawn == [assigns[0].assignment])
        talk.generate("w", assigns[1].assignment, at: 0, [7])
        talk.end("w", assigns[1].assignment)
        #expect(Self.assembled(&talk).map(\.node) == ["general"])
    }

    @Test func whenAllFailAnotherNodeAnswers() throws {
        var talk = Self.talk(.first) { graph in
            var far = GraphNode("far", .model("h", nil))
            far.functionalToken = "<unsafe>"
            graph.nodes["far"] = far
            graph.nodes["m"]?.hands = ["general", "french", "far"]
        }
        WalkTests.join(&talk, "u", ["h"])
        _ = try Self.fanned(&talk)
        talk.say(.workerDisconnected(Conversation.connection("v")))
        talk.say(.workerDisconnected(Conversation.connection("w")))
        #expect(WalkTests.preparations(talk.directives) == [.answer(node: "far", rewrite: nil)])
        #expect(talk.machine.census.branches == 0 && talk.machine.inconsistencies().isEmpty)
    }

    /// It was lost once: what a node had said before the master decided was gone.
    @Test func aMasterAmongTheNodesLosesNoAnswer() throws {
        var talk = Self.talk(.concatenate) { graph in
            var inner = Master(model: "master:inner", general: "general")
            inner.top = 2
            inner.reassembly = .vote
            var node = GraphNode("inner", .master(inner))
            node.hands = ["general", "french", "unsafe"]
            node.functionalToken = "<french>"
            graph.nodes["french"]?.functionalToken = nil
            graph.nodes["inner"] = node
            graph.nodes["m"]?.hands = ["general", "inner", "unsafe"]
        }
        WalkTests.join(&talk, "x", ["master:inner"])
        try WalkTests.decided(&talk, 1, logits: [1, 2, -9])
        #expect(
            WalkTests.preparations(talk.directives)
                == [.decision(master: "inner"), .answer(node: "general", rewrite: nil)])
        let assigns = Self.encodeAll(&talk).assigns
        talk.generate("w", assigns[1].assignment, at: 0, [7])
        talk.end("w", assigns[1].assignment)
        talk.say(
            .ended(
                Ended(
                    assignment: assigns[0].assignment, kind: .decided,
                    reading: MasterReading(logits: [3, 1, -9], mass: 0.9)), from: Conversation.connection("x")))
        // Within a branch a master names one node.
        #expect(WalkTests.preparations(talk.directives) == [.answer(node: "general", rewrite: nil)])
        let second = try #require(Self.encodeAll(&talk).assigns.first)
        talk.generate("w", second.assignment, at: 0, [8])
        talk.end("w", second.assignment)
        let parts = Self.assembled(&talk)
        #expect(parts.map(\.tokens) == [[8], [7]])
        #expect(talk.directives.finals.first?.generatedTokens == 2)
        #expect(talk.directives.finals.first?.walk?.steps.map(\.branch) == [0, 1, 1, 2])
    }

    @Test func eachNodeGetsItsOwnWording() throws {
        var talk = Self.talk(.concatenate) {
            $0.nodes["french"]?.wantsRewrite = true
            $0.nodes["general"]?.wantsRewrite = true
        }
        try WalkTests.decided(&talk, 1, logits: [1, 2, -9])
        let rewrites = talk.directives.assigns
        #expect(rewrites.map(\.tokens) == [[1, 2, 3, 998], [1, 2, 3, 997]])
        talk.generate("w", rewrites[1].assignment, at: 0, [9])
        talk.end("w", rewrites[1].assignment)
        #expect(
            WalkTests.preparations(talk.directives)
                == [.answer(node: "general", rewrite: .init(author: "m", tokens: [9]))])
    }

    @Test func noMoreNodesAreAskedThanStepsAreLeft() throws {
        var talk = Self.talk(.concatenate) { $0.stepsMax = 2 }
        try WalkTests.decided(&talk, 1, logits: [1, 2, -9])
        #expect(WalkTests.preparations(talk.directives) == [.answer(node: "french", rewrite: nil)])
    }

    @Test func aServersAnswerMayBeTheFirst() throws {
        var talk = Self.talk(.first) { $0.nodes["french"]?.work = .endpoint }
        try WalkTests.decided(&talk, 1, logits: [1, 2, -9])
        let calls: [EndpointCall] = Self.encodeAll(&talk).compactMap {
            if case .call(let one) = $0 { one } else { nil }
        }
        let call = try #require(calls.first)
        talk.say(.called(call.query, ticket: call.ticket, bytes: [65]))
        #expect(talk.directives.withdrawn.count == 1 && talk.directives.advances.first?.query == Conversation.key(1))
        talk.say(.callEnded(Conversation.key(1), ticket: call.ticket, .finished(.endToken)))
        #expect(talk.directives.finals.first?.walk?.node == "french")
    }

    /// A slow reader's Accepted, and all else, comes under the query's own name.
    @Test func aQueryThatIsAskedAgainWhileItsNodesAnswerIsAccepted() throws {
        var talk = Self.talk(.concatenate)
        _ = try Self.fanned(&talk)
        talk.say(.undeliverable(Conversation.client("alice")))
        talk.renew(1)
        #expect(talk.directives.accepted.count == 1)
    }
}
