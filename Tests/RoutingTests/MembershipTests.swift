import Routing
import Testing

/// Trunks hear who holds which experts.
@Suite("Membership of expert workers")
struct MembershipTests {
    private func connection(_ name: String) -> WorkerConnection { Conversation.connection(name) }

    private let given: [String: Set<String>] = ["a": ["french"], "b": ["french", "german"]]

    private func trunk() -> Hello {
        var hello = Conversation.hello("trunk")
        hello.models[0].routed = true
        return hello
    }

    private func holder(_ name: String, _ experts: String..., incarnation: UInt64 = 1, ready: Bool = true) -> Hello {
        Hello(
            worker: name, incarnation: incarnation, numerics: "p", models: [], capacity: 1, ready: ready,
            experts: ready ? experts.map { ExpertHolding(expert: $0, trunkSHA256: "s", sha256: "x") } : [],
            data: DataEndpoint(address: "ipc:///\(name)"))
    }

    @Test("A trunk is told at once, and again whenever a holder comes, goes or restarts")
    func follows() throws {
        var talk = Conversation { $0.experts = given }
        talk.say(.hello(trunk(), from: connection("trunk")))
        #expect(talk.directives.memberships.map(\.holders) == [[]])
        talk.say(.hello(holder("a", "french", ready: false), from: connection("a")))
        #expect(talk.directives.memberships.isEmpty, "a worker that still loads holds nothing")
        talk.say(.hello(holder("a", "french"), from: connection("a")))
        let first = try #require(talk.directives.memberships.first)
        #expect(first.holders.map(\.worker) == ["a"] && first.holders[0].experts.map(\.expert) == ["french"])
        talk.say(.hello(holder("a", "french", incarnation: 1), from: connection("a")))
        #expect(talk.directives.memberships.isEmpty, "nothing has changed")
        talk.say(.hello(holder("b", "german", "french"), from: connection("b")))
        #expect(talk.directives.memberships.first?.holders.map(\.worker) == ["a", "b"])
        talk.say(.workerDisconnected(connection("a")))
        let last = try #require(talk.directives.memberships.first)
        #expect(last.holders.map(\.worker) == ["b"] && last.version > first.version)
    }

    @Test("A silent holder leaves the membership when it is lost, and returns with its next heartbeat")
    func silence() {
        var talk = Conversation { $0.experts = given }
        talk.say(.hello(holder("a", "french"), from: connection("a")))
        talk.say(.hello(trunk(), from: connection("trunk")))
        #expect(talk.directives.memberships.first?.holders.map(\.worker) == ["a"])
        let told = talk.live(["trunk"], milliseconds: 2000).memberships
        #expect(told.map(\.holders) == [[]])
        talk.beat("a")
        #expect(talk.directives.memberships.first?.holders.map(\.worker) == ["a"])
        talk.say(.goodbye(incarnation: 1, reason: "", from: connection("a")))
        #expect(talk.directives.memberships.map(\.holders) == [[]])
    }

    @Test("Experts without a name or an endpoint, twice, or not the worker's by the topology, are refused")
    func badHoldings() {
        var twice = holder("a", "french", "french")
        twice.data = DataEndpoint(address: "x")
        var nowhere = holder("a", "french")
        nowhere.data = nil
        for hello in [twice, nowhere, holder("a", ""), holder("a", "german"), holder("c", "french")] {
            var talk = Conversation { $0.experts = given }
            talk.say(.hello(hello, from: connection("a")))
            #expect(talk.directives.refusals.map(\.kind) == [.invalidParameter])
        }
    }

    @Test("A lost expert ends a query that needs it, and is not the trunk's fault; a wrong route is the client's")
    func endings() {
        for (kind, failure) in [(Ended.Kind.expertMissing, FailureKind.workerLost), (.invalid, .invalidParameter)] {
            var talk = Conversation()
            talk.say(.hello(trunk(), from: connection("trunk")))
            let id = talk.submit(1).assigns[0].assignment
            talk.end("trunk", id, kind)
            #expect(talk.directives.failures.map(\.kind) == [failure])
            #expect(talk.directives.total(.workerFaults) == 0)
            // The trunk takes the next query at once.
            #expect(talk.submit(2).assigns.count == 1)
        }
    }

    @Test("What a query went without is in its answer, over all attempts; its route goes with every assignment")
    func missing() throws {
        var talk = Conversation()
        talk.join("a", "b")
        var submission = Conversation.submission(1)
        submission.route = RouteOptions(method: "phatgoose", topK: 3)
        talk.say(.submitted(submission))
        let first = try #require(talk.directives.assigns.first)
        #expect(first.route == submission.route)
        let lost = [MissingExpert(expert: "french", rows: 2)]
        talk.say(
            .ended(Ended(assignment: first.assignment, kind: .failed, missing: lost), from: connection(first.worker)))
        let second = try #require(talk.directives.assigns.first)
        #expect(second.route == submission.route)
        let more = [MissingExpert(expert: "french", rows: 3), MissingExpert(expert: "swift", rows: 1)]
        talk.say(
            .ended(
                Ended(assignment: second.assignment, kind: .endToken, missing: more), from: connection(second.worker)))
        let expected = [MissingExpert(expert: "french", rows: 5), MissingExpert(expert: "swift", rows: 1)]
        #expect(talk.directives.finals.first?.missing == expected)
    }
}

extension [Directive] {
    var memberships: [Membership] { compactMap { if case .tellMembership(_, let one) = $0 { one } else { nil } } }
}
