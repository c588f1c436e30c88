import Deciding
import Routing
import Testing

/// Queries that walk the graph: master, nodes, fallback, cascade, refusal.
struct WalkTests {
    static let tokens = ["<general>", "<french>", "<unsafe>"]

    static func graph(_ change: (inout NodeGraph) -> Void = { _ in }) -> NodeGraph {
        var graph = NodeGraph()
        var master = Master(model: "master:m", general: "general")
        master.stayMargin = 0.3
        var entry = GraphNode("m", .master(master))
        entry.hands = ["general", "french", "unsafe"]
        var general = GraphNode("general", .model("g", nil))
        general.functionalToken = "<general>"
        var french = GraphNode("french", .model("f", RouteOptions(method: "single:french")))
        french.functionalToken = "<french>"
        var unsafe = GraphNode("unsafe", .refusal(message: "Not answered here."))
        unsafe.functionalToken = "<unsafe>"
        unsafe.threshold = 0.5
        for node in [entry, general, french, unsafe] { graph.nodes[node.name] = node }
        change(&graph)
        return graph
    }

    static func talk(_ change: (inout NodeGraph) -> Void = { _ in }) -> Conversation {
        Conversation { $0.graph = graph(change) }
    }

    static func join(_ talk: inout Conversation, _ worker: String, _ models: [String]) {
        var hello = Conversation.hello(worker, models: models, context: 2000)
        for index in hello.models.indices where hello.models[index].model.hasPrefix("master:") {
            hello.models[index].functionalTokens = tokens
        }
        talk.say(.hello(hello, from: Conversation.connection(worker)))
    }

    static func submit(_ talk: inout Conversation, _ id: UInt64, node: String = "m", current: String? = nil) {
        var submission = Conversation.submission(id, model: "x")
        submission.node = node
        submission.prompt = .encoding
        submission.walks = true
        submission.currentNode = current
        talk.say(.submitted(submission))
    }

    /// Answers the encoding that was asked for last.
    static func encode(_ talk: inout Conversation, _ id: UInt64, _ tokens: [Int32], rewrite: RewriteNote? = nil) {
        for case .prepare(let key, let ticket, _) in talk.directives {
            talk.say(.prepared(key, ticket: ticket, promptTokens: tokens, rewrite: rewrite))
            return
        }
        Issue.record("no encoding was asked for: \(talk.directives)")
    }

    /// The same, where nothing came of what was said in between.
    static func encodeLast(_ talk: inout Conversation, _ tokens: [Int32]) {
        guard let (key, ticket) = talk.lastPreparation else {
            Issue.record("no encoding was asked for")
            return
        }
        talk.say(.prepared(key, ticket: ticket, promptTokens: tokens))
    }

    static func read(_ talk: inout Conversation, _ worker: String, _ logits: [Float], mass: Double = 0.9) throws {
        let assign = try #require(talk.directives.assigns.last)
        #expect(assign.decide && assign.model == "master:m")
        talk.say(
            .ended(
                Ended(
                    assignment: assign.assignment, kind: .decided,
                    reading: MasterReading(logits: logits, mass: mass)), from: Conversation.connection(worker)))
    }

    static func preparations(_ directives: [Directive]) -> [Preparation] {
        directives.compactMap { if case .prepare(_, _, let part) = $0 { part } else { nil } }
    }

    /// Runs a query to the answer's first assignment.
    static func decided(
        _ talk: inout Conversation, _ id: UInt64, logits: [Float], mass: Double = 0.9, current: String? = nil
    ) throws {
        submit(&talk, id, current: current)
        #expect(preparations(talk.directives) == [.decision(master: "m")])
        encode(&talk, id, [1, 2, 3])
        try read(&talk, "w", logits, mass: mass)
    }

    @Test func theChosenNodeAnswersAlongItsRoute() throws {
        var talk = Self.talk()
        Self.join(&talk, "w", ["master:m", "g", "f"])
        try Self.decided(&talk, 1, logits: [0, 3, -3])
        #expect(Self.preparations(talk.directives) == [.answer(node: "french", rewrite: nil)])
        Self.encode(&talk, 1, [4, 5])
        let assign = try #require(talk.directives.assigns.first)
        #expect(assign.model == "f" && assign.route?.method == "single:french" && assign.sampling.seed == 7)
        #expect(!assign.decide && assign.tokens == [4, 5])
        talk.generate("w", assign.assignment, at: 0, [6])
        #expect(talk.directives.advances.first?.tokens == [6])
        talk.end("w", assign.assignment)
        let walk = try #require(talk.directives.finals.first?.walk)
        #expect(walk.node == "french" && walk.steps.map(\.outcome) == ["decided", "answered"])
        #expect(walk.steps.last?.because == .chosen)
        #expect(abs(walk.shares.reduce(0) { $0 + $1.untouched } - 1) < 1e-12)
        #expect(talk.machine.inconsistencies().isEmpty)
    }

    @Test func anUnsureMasterLeavesItToGeneral() throws {
        var talk = Self.talk()
        Self.join(&talk, "w", ["master:m", "g", "f"])
        try Self.decided(&talk, 1, logits: [0, 3, 0], mass: 0.2)
        #expect(Self.preparations(talk.directives) == [.answer(node: "general", rewrite: nil)])
    }

    @Test func aRefusalEndsTheQueryTyped() throws {
        var talk = Self.talk()
        Self.join(&talk, "w", ["master:m", "g", "f"])
        try Self.decided(&talk, 1, logits: [0, 0, 5])
        let failure = try #require(talk.directives.failures.first)
        #expect(failure.kind == .refused && failure.message == "Not answered here.")
        #expect(failure.walk?.node == "unsafe" && failure.walk?.steps.last?.outcome == "refused")
        #expect(talk.directives.forgotten == [Conversation.key(1)])
    }

    @Test func aConversationStaysUnlessTheMarginIsClear() throws {
        var talk = Self.talk()
        Self.join(&talk, "w", ["master:m", "g", "f"])
        try Self.decided(&talk, 1, logits: [0.4, 0, -9], current: "french")
        #expect(Self.preparations(talk.directives) == [.answer(node: "french", rewrite: nil)])
        var other = Self.talk()
        Self.join(&other, "w", ["master:m", "g", "f"])
        try Self.decided(&other, 1, logits: [4, 0, -9], current: "french")
        #expect(Self.preparations(other.directives) == [.answer(node: "general", rewrite: nil)])
    }

    @Test func withAllNodesDownButOneThatOneAnswers() throws {
        var talk = Self.talk()
        Self.join(&talk, "w", ["master:m", "f"])
        try Self.decided(&talk, 1, logits: [5, 0, -9])
        #expect(Self.preparations(talk.directives) == [.answer(node: "french", rewrite: nil)])
        var none = Self.talk()
        Self.join(&none, "w", ["master:m"])
        try Self.decided(&none, 1, logits: [5, 0, -9])
        #expect(none.directives.failures.first?.kind == .noWorker)
    }

    @Test func aNodeThatIsNotForTheClientIsOutOfPlay() throws {
        var talk = Self.talk { $0.nodes["french"]?.clients = ["bob"] }
        Self.join(&talk, "w", ["master:m", "g", "f"])
        try Self.decided(&talk, 1, logits: [0, 5, -9])
        #expect(Self.preparations(talk.directives) == [.answer(node: "general", rewrite: nil)])
    }

    @Test func withoutAMasterGeneralAnswers() {
        var talk = Self.talk()
        Self.join(&talk, "w", ["g", "f"])
        Self.submit(&talk, 1)
        Self.encode(&talk, 1, [1])
        #expect(Self.preparations(talk.directives) == [.answer(node: "general", rewrite: nil)])
    }

    @Test func fallbackBeforeTheFirstByteIsInvisibleAndAfterItTyped() throws {
        var talk = Self.talk()
        Self.join(&talk, "w", ["master:m", "g"])
        Self.join(&talk, "v", ["f"])
        try Self.decided(&talk, 1, logits: [0, 5, -9])
        Self.encode(&talk, 1, [4])
        talk.say(.workerDisconnected(Conversation.connection("v")))
        #expect(Self.preparations(talk.directives) == [.answer(node: "general", rewrite: nil)])
        #expect(talk.directives.failures.isEmpty)
        Self.join(&talk, "u", ["f"])
        try Self.decided(&talk, 2, logits: [0, 5, -9])
        Self.encode(&talk, 2, [4])
        let assign = try #require(talk.directives.assigns.first)
        talk.generate("u", assign.assignment, at: 0, [6])
        talk.say(.workerDisconnected(Conversation.connection("u")))
        let failure = try #require(talk.directives.failures.first)
        #expect(failure.kind == .workerLost && failure.tokensSent == 1)
    }

    @Test func aRewriteIsAskedForUnderItsBoundAndHandedOn() throws {
        var talk = Self.talk { $0.nodes["french"]?.wantsRewrite = true }
        Self.join(&talk, "w", ["master:m", "g", "f"])
        try Self.decided(&talk, 1, logits: [0, 5, -9])
        let rewrite = try #require(talk.directives.assigns.first)
        // The vocabulary is 1000, its last three rows functional: the prompt, then <french>.
        #expect(rewrite.rewriteBytes == 512 && rewrite.tokens == [1, 2, 3, 998] && rewrite.sampling == Sampling())
        talk.generate("w", rewrite.assignment, at: 0, [7, 8])
        #expect(talk.directives.advances.isEmpty)
        talk.end("w", rewrite.assignment)
        #expect(
            Self.preparations(talk.directives)
                == [.answer(node: "french", rewrite: .init(author: "m", tokens: [7, 8]))])
        Self.encode(&talk, 1, [4], rewrite: RewriteNote(text: "x", lost: ["7"], originalKept: true))
        let answer = try #require(talk.directives.assigns.first)
        #expect(answer.rewriteBytes == 0 && answer.generatedBefore == 0)
        talk.end("w", answer.assignment)
        #expect(talk.directives.finals.first?.walk?.rewrite?.lost == ["7"])
    }

    @Test func aRewriteThatFailsLeavesTheOriginal() throws {
        var talk = Self.talk { $0.nodes["french"]?.wantsRewrite = true }
        Self.join(&talk, "w", ["master:m"])
        Self.join(&talk, "v", ["f", "g"])
        try Self.decided(&talk, 1, logits: [0, 5, -9])
        talk.say(.workerDisconnected(Conversation.connection("w")))
        #expect(Self.preparations(talk.directives) == [.answer(node: "french", rewrite: nil)])
        #expect(talk.machine.inconsistencies().isEmpty)
    }

    @Test func anUnsureAnswerEscalatesAndIsNeverSeen() throws {
        var talk = Self.talk { $0.nodes["general"]?.cascade = .init(to: "french", threshold: 0.5) }
        Self.join(&talk, "w", ["master:m", "g", "f"])
        for (id, logprob, escalates) in [(UInt64(1), Float(-2), true), (2, -0.1, false)] {
            try Self.decided(&talk, id, logits: [5, 0, -9])
            Self.encode(&talk, id, [4])
            let assign = try #require(talk.directives.assigns.first)
            #expect(assign.topLogprobs == 1)
            talk.say(
                .generated(
                    Generated(
                        assignment: assign.assignment, position: 0, tokens: [6],
                        logprobs: [TokenLogprobs(logprob: logprob)]), from: Conversation.connection("w")))
            #expect(talk.directives.advances.allSatisfy { $0.connection == nil })
            talk.end("w", assign.assignment)
            if escalates {
                #expect(Self.preparations(talk.directives) == [.answer(node: "french", rewrite: nil)])
                #expect(talk.directives.deliveries.isEmpty)
            } else {
                #expect(talk.directives.replays.first?.tokens == [6])
                #expect(talk.directives.finals.first?.walk?.node == "general")
            }
        }
        #expect(talk.machine.inconsistencies().isEmpty)
    }

    @Test func aReadingThatIsNoneIsTheWorkersFault() throws {
        var talk = Self.talk()
        Self.join(&talk, "w", ["master:m", "g", "f"])
        Self.submit(&talk, 1)
        Self.encode(&talk, 1, [1])
        try Self.read(&talk, "w", [1, 2])
        // Nobody else holds the master; general answers.
        #expect(Self.preparations(talk.directives) == [.answer(node: "general", rewrite: nil)])
    }

    @Test func stepsAreBounded() throws {
        var talk = Self.talk { $0.stepsMax = 1 }
        Self.join(&talk, "w", ["master:m", "g", "f"])
        try Self.decided(&talk, 1, logits: [0, 5, -9])
        #expect(talk.directives.failures.first?.kind == .refused)
        #expect(talk.machine.census.liveQueries == 0)
    }

    @Test func aServerOutsideAnswersInBytesOrAnotherNodeDoes() throws {
        var talk = Self.talk { $0.nodes["french"]?.work = .endpoint }
        Self.join(&talk, "w", ["master:m", "g"])
        func call() throws -> EndpointCall {
            try #require(talk.directives.compactMap { if case .call(let call) = $0 { call } else { nil } }.first)
        }
        try Self.decided(&talk, 1, logits: [0, 5, -9])
        Self.encode(&talk, 1, [])
        let first = try call()
        talk.say(.called(first.query, ticket: first.ticket, bytes: Array("hé".utf8)))
        #expect(talk.directives.advances.first?.tokens == [104, 195, 169])
        talk.say(.callEnded(first.query, ticket: first.ticket, .finished(.endToken)))
        #expect(talk.directives.finals.first?.generatedTokens == 3)
        try Self.decided(&talk, 2, logits: [0, 5, -9])
        Self.encode(&talk, 2, [])
        let second = try call()
        talk.say(
            .callEnded(second.query, ticket: second.ticket, .failed(message: "429", retryAfterMilliseconds: 900)))
        #expect(Self.preparations(talk.directives) == [.answer(node: "general", rewrite: nil)])
        // It is passed over until then.
        try Self.decided(&talk, 3, logits: [0, 5, -9])
        #expect(Self.preparations(talk.directives) == [.answer(node: "general", rewrite: nil)])
        #expect(talk.machine.inconsistencies().isEmpty)
    }
}
