import Deciding
import Routing
import Testing

/// A node that answers hands on to a neighbour instead, by a functional token of its own.
struct HandingTests {
    static func talk(_ change: (inout NodeGraph) -> Void = { _ in }) -> Conversation {
        var talk = WalkTests.talk { graph in
            var writer = GraphNode("writer", .model("master:writer", nil))
            writer.functionalToken = "<writer>"
            writer.hands = ["french", "general"]
            graph.nodes["writer"] = writer
            change(&graph)
        }
        WalkTests.join(&talk, "w", ["master:writer", "g"])
        WalkTests.join(&talk, "v", ["f"])
        return talk
    }

    /// To the writer's reading of its own prompt, and past it.
    static func read(
        _ talk: inout Conversation, _ logits: [Float], mass: Double, change: (inout Conversation) -> Void = { _ in }
    ) throws {
        WalkTests.submit(&talk, 1, node: "writer")
        #expect(WalkTests.preparations(talk.directives) == [.answer(node: "writer", rewrite: nil)])
        WalkTests.encode(&talk, 1, [1, 2, 3])
        let reading = try #require(talk.directives.assigns.first)
        #expect(reading.decide && reading.model == "master:writer")
        change(&talk)
        talk.say(
            .ended(
                Ended(
                    assignment: reading.assignment, kind: .decided, reading: MasterReading(logits: logits, mass: mass)),
                from: Conversation.connection("w")))
    }

    @Test func anAnswerThatBeginsWithANeighboursTokenIsTheNeighbours() throws {
        var talk = Self.talk { $0.nodes["french"]?.wantsRewrite = true }
        try Self.read(&talk, [0, 3, -3], mass: 0.9)
        // It words the query from where it stands, for the neighbour.
        let words = try #require(talk.directives.assigns.first)
        #expect(words.model == "master:writer" && words.tokens == [1, 2, 3, 998] && words.rewriteBytes == 512)
        talk.generate("w", words.assignment, at: 0, [7, 8])
        talk.end("w", words.assignment)
        #expect(
            WalkTests.preparations(talk.directives)
                == [.answer(node: "french", rewrite: .init(author: "writer", tokens: [7, 8]))])
        WalkTests.encode(&talk, 1, [4])
        let answer = try #require(talk.directives.assigns.first)
        talk.generate("v", answer.assignment, at: 0, [6])
        talk.end("v", answer.assignment)
        let walk = try #require(talk.directives.finals.first?.walk)
        #expect(walk.node == "french" && walk.steps.map(\.outcome) == ["handed on", "answered"])
        #expect(walk.steps.last?.because == .handed)
        #expect(talk.machine.inconsistencies().isEmpty)
    }

    @Test func otherwiseItAnswersItselfFromThePromptThatItHasRead() throws {
        var talk = Self.talk()
        try Self.read(&talk, [0, 3, -3], mass: 0.2)
        #expect(WalkTests.preparations(talk.directives).isEmpty)
        let answer = try #require(talk.directives.assigns.first)
        #expect(!answer.decide && answer.tokens == [1, 2, 3] && answer.worker == "w" && answer.sampling.seed == 7)
        talk.generate("w", answer.assignment, at: 0, [6])
        #expect(talk.directives.advances.first?.connection != nil)
        talk.end("w", answer.assignment)
        #expect(talk.directives.finals.first?.walk?.steps.map(\.outcome) == ["answered"])
    }

    @Test func aTokenOfNobodyInPlayHandsToNobody() throws {
        // Down, not for this client, no neighbour (its third token is the refusal's), and gone since it began to read.
        var down = Self.talk()
        try Self.read(&down, [0, 5, -9], mass: 0.9) { $0.say(.workerDisconnected(Conversation.connection("v"))) }
        #expect(down.directives.assigns.first?.tokens == [1, 2, 3])
        var others = Self.talk { $0.nodes["french"]?.clients = ["bob"] }
        try Self.read(&others, [0, 5, -9], mass: 0.9)
        #expect(others.directives.assigns.first?.tokens == [1, 2, 3])
        var stranger = Self.talk()
        try Self.read(&stranger, [0, 0, 9], mass: 0.9)
        #expect(stranger.directives.assigns.first?.tokens == [1, 2, 3])
        var gone = Self.talk()
        try Self.read(&gone, [0, 5, -9], mass: 0.9) { talk in
            talk.say(
                .graphChanged(
                    WalkTests.graph { $0.nodes["writer"] = GraphNode("writer", .model("master:writer", nil)) }))
        }
        #expect(gone.directives.assigns.first?.tokens == [1, 2, 3])
    }

    @Test func stepsAreBoundedAndNobodyReadsInVain() throws {
        var talk = Self.talk { graph in
            graph.stepsMax = 3
            var second = GraphNode("second", .model("master:second", nil))
            second.functionalToken = "<french>"
            second.hands = ["writer"]
            graph.nodes["second"] = second
            graph.nodes["writer"]?.functionalToken = "<general>"
            graph.nodes["writer"]?.hands = ["second"]
        }
        WalkTests.join(&talk, "x", ["master:second"])
        WalkTests.submit(&talk, 1, node: "writer")
        var nodes: [String] = []
        while case .answer(let node, _)? = WalkTests.preparations(talk.directives).first {
            nodes.append(node)
            WalkTests.encode(&talk, 1, [1])
            guard let assign = talk.directives.assigns.first, assign.decide else { break }
            talk.say(
                .ended(
                    Ended(
                        assignment: assign.assignment, kind: .decided,
                        reading: MasterReading(logits: node == "writer" ? [0, 9, 0] : [9, 0, 0], mass: 1)),
                    from: Conversation.connection(assign.worker)))
        }
        // The third has no step left to hand to, so it answers without reading.
        #expect(nodes == ["writer", "second", "writer"])
        let last = try #require(talk.directives.assigns.first)
        #expect(!last.decide && last.model == "master:writer")
    }

    @Test func itsOwnTimeBoundsReadingAndAnother() throws {
        var talk = Self.talk {
            $0.nodes["writer"]?.deadlineMilliseconds = 300
            $0.nodes["writer"]?.fallbacks = ["general"]
        }
        WalkTests.submit(&talk, 1, node: "writer")
        WalkTests.encode(&talk, 1, [1])
        let after = talk.live(["v", "w"], milliseconds: 300)
        #expect(WalkTests.preparations(after) == [.answer(node: "general", rewrite: nil)])
    }
}
