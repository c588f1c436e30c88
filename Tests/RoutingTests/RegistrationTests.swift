import Routing
import Testing

@Suite("Registration")
struct RegistrationTests {
    private func connection(_ name: String) -> WorkerConnection { Conversation.connection(name) }

    @Test("A worker is welcomed and told how often to send heartbeats")
    func welcome() {
        var talk = Conversation()
        talk.join("a")
        #expect(talk.directives.contains(.welcome(connection("a"), incarnation: 1, heartbeatMilliseconds: 500)))
        #expect(talk.machine.status(at: talk.now).workers.map(\.state) == [.ready])
    }

    @Test("A name held by a live worker is refused, with a time to try again")
    func nameTaken() throws {
        var talk = Conversation()
        talk.join("a")
        talk.wait(milliseconds: 100)
        for incarnation: UInt64 in [2, 0] {
            talk.say(.hello(Conversation.hello("a", incarnation: incarnation), from: connection("other")))
            let failure = try #require(talk.directives.refusals.first)
            #expect(failure.kind == .nameTaken && failure.retryAfterMilliseconds > 0)
        }
        #expect(talk.machine.status(at: talk.now).workers.count == 1)
    }

    @Test("A newer start of a silent worker takes its name; the old one's work goes elsewhere")
    func newIncarnation() throws {
        var talk = Conversation()
        talk.join("a")
        talk.submit(1)
        talk.join("b")
        talk.live(["b"], milliseconds: 800)
        talk.say(.hello(Conversation.hello("a", incarnation: 2), from: connection("a2")))
        #expect(talk.directives.refusals.isEmpty)
        #expect(talk.directives.assigns.map(\.worker) == ["b"])
        // The old process is a stranger now.
        talk.beat("a")
        #expect(talk.directives.refusals.map(\.kind) == [.unknownWorker])
    }

    @Test("The same process on another connection goes on at once; its old work is withdrawn and moves")
    func reconnection() {
        var talk = Conversation()
        talk.join("a", "b")
        let first = talk.submit(1).assigns
        talk.say(.hello(Conversation.hello("a"), from: connection("a2")))
        #expect(talk.directives.withdrawn == first.map(\.assignment))
        #expect(talk.directives.assigns.map(\.worker) == ["b"])
        #expect(talk.directives.welcomes == 1)
    }

    @Test("Other numerics or another file for the same model are refused, unless the topology mixes them")
    func mixing() {
        for hello in [Conversation.hello("b", numerics: "other"), Conversation.hello("b", sha256: "other")] {
            var talk = Conversation()
            talk.join("a")
            talk.say(.hello(hello, from: connection("b")))
            #expect(talk.directives.refusals.map(\.kind) == [.numericsMismatch])

            var mixed = Conversation { $0.models["m"] = .init(mixesNumerics: true) }
            mixed.join("a")
            mixed.say(.hello(hello, from: connection("b")))
            #expect(mixed.directives.refusals.isEmpty)
        }
    }

    @Test("A file that is not the topology's is refused")
    func wrongFile() {
        var talk = Conversation { $0.models["m"] = .init(sha256: "wanted") }
        talk.join("a")
        #expect(talk.directives.refusals.map(\.kind) == [.numericsMismatch])
    }

    @Test("Once every worker of the old numerics is lost, the new ones may come, and the old one is refused")
    func succession() {
        var talk = Conversation()
        talk.join("a")
        talk.wait(milliseconds: 2000)
        talk.say(.hello(Conversation.hello("b", numerics: "new"), from: connection("b")))
        #expect(talk.directives.welcomes == 1)
        talk.beat("a")
        #expect(talk.directives.refusals.map(\.kind) == [.numericsMismatch])
    }

    @Test(
        "A Hello that makes no sense is refused",
        arguments: [
            Conversation.hello(""), Conversation.hello("a", models: []), Conversation.hello("a", models: ["m", "m"]),
            Conversation.hello("a", capacity: 0), Conversation.hello("a", context: 1),
            Conversation.hello(String(repeating: "a", count: 257)),
            Conversation.hello("a", models: (0..<65).map { "m\($0)" }),
        ])
    func nonsense(hello: Hello) {
        var talk = Conversation()
        talk.say(.hello(hello, from: connection("a")))
        #expect(talk.directives.refusals.map(\.kind) == [.invalidParameter])
        #expect(talk.machine.census.workers == 0)
    }

    @Test("One connection speaks for one worker")
    func oneNamePerConnection() {
        var talk = Conversation()
        talk.join("a")
        talk.say(.hello(Conversation.hello("b"), from: connection("a")))
        #expect(talk.directives.refusals.map(\.kind) == [.forbidden])
    }

    @Test(
        "Strangers are told to say Hello",
        arguments: [
            Event.heartbeat(Heartbeat(incarnation: 1, progress: 0), from: Conversation.connection("x")),
            .generated(
                Generated(assignment: AssignmentID(1), position: 0, tokens: [1]), from: Conversation.connection("x")),
            .ended(Ended(assignment: AssignmentID(1), kind: .endToken), from: Conversation.connection("x")),
            .goodbye(incarnation: 1, reason: "", from: Conversation.connection("x")),
        ])
    func strangers(event: Event) {
        var talk = Conversation()
        talk.say(event)
        #expect(talk.directives.refusals.map(\.kind) == [.unknownWorker])
    }

    @Test("The number of workers is bounded; lost ones make room")
    func workersMax() {
        var talk = Conversation { $0.limits.workersMax = 2 }
        talk.join("a", "b", "c")
        #expect(talk.directives.refusals.map(\.kind) == [.busy])
        talk.say(.workerDisconnected(connection("a")))
        talk.join("c")
        #expect(talk.directives.welcomes == 1)
        #expect(talk.machine.census.workers == 2)
    }

    @Test("A worker may load without knowing its models, and may stop bringing one: whoever waits for it is told")
    func modelsChange() throws {
        var talk = Conversation()
        talk.say(.hello(Conversation.hello("a", models: [], ready: false), from: connection("a")))
        #expect(talk.directives.welcomes == 1)
        talk.join("a", capacity: 1)
        talk.submit(1)
        #expect(talk.submit(2).accepted.count == 1)
        talk.say(.hello(Conversation.hello("a", models: ["other"], capacity: 1), from: connection("a")))
        #expect(talk.directives.failures.map(\.kind) == [.noWorker])
        #expect(talk.directives.forgotten == [Conversation.key(2)])
    }

    @Test("A worker that is loading gets nothing; its next Hello opens it")
    func readiness() {
        var talk = Conversation { $0.waitForWorkerMilliseconds = 1000 }
        talk.say(.hello(Conversation.hello("a", ready: false), from: connection("a")))
        #expect(talk.submit(1).assigns.isEmpty)
        talk.join("a")
        #expect(talk.directives.assigns.count == 1)
    }
}
