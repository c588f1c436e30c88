import Routing
import Testing

/// Nobody waits while a worker that could take them has room: what opens a place has to lead to a dispatch.
@Suite("Idleness")
struct IdlenessTests {
    @Test("A fault that takes away the last worker in good standing opens the others' places, for all its models")
    func fault() throws {
        var talk = Conversation()
        talk.join("b", capacity: 1)
        let failing = try #require(talk.submit(1).assigns.first)
        talk.end("b", failing.assignment, .failed)
        talk.join("a", models: ["m", "k"], capacity: 1)
        let running = try #require(talk.submit(2, model: "k").assigns.first)
        #expect(talk.submit(3).assigns.isEmpty, "b just failed, a is full")
        // Token 5 is not next: a is at fault, and the query of model k has nowhere else to go.
        talk.generate("a", running.assignment, at: 5, [1])
        #expect(talk.directives.failures.map(\.kind) == [.workerLost])
        #expect(talk.directives.assigns.map(\.worker) == ["b"])
        #expect(talk.directives.assigns.map(\.query) == [Conversation.key(3)])
        #expect(talk.machine.inconsistencies().isEmpty)
    }

    @Test("Two ejections that end at the same moment open both workers' places, for all their models")
    func ejectionsEnd() throws {
        var talk = Conversation()
        talk.join("a", capacity: 1)
        talk.join("b", models: ["m", "k"], capacity: 2)
        let one = try #require(talk.submit(1).assigns.first)
        let two = try #require(talk.submit(2, model: "k").assigns.first)
        #expect([one.worker, two.worker] == ["a", "b"])
        talk.end("b", two.assignment, .failed)
        talk.end("a", one.assignment, .failed)
        let again = try #require(talk.directives.assigns.first)
        talk.say(.cancelled(Conversation.key(1), from: Conversation.client("alice")))
        talk.end("b", again.assignment, .withdrawn)
        talk.join("c", models: ["m", "k"], capacity: 1)
        #expect(talk.submit(3, model: "k").assigns.map(\.worker) == ["c"])
        let waiting = [talk.submit(4), talk.submit(5), talk.submit(6, model: "k")]
        #expect(waiting.flatMap(\.assigns).isEmpty, "a and b just failed, c is full")
        let assigns = talk.wait(milliseconds: 500).assigns
        #expect(assigns.map(\.query) == [4, 5, 6].map { Conversation.key($0) })
        #expect(assigns.map(\.worker) == ["a", "b", "b"])
        #expect(talk.machine.inconsistencies().isEmpty)
    }

    @Test("A query that waits for a larger worker and leaves lets the one behind it go to a smaller one")
    func headLeaves() throws {
        var talk = Conversation()
        talk.say(.hello(Conversation.hello("big", capacity: 1, context: 20), from: Conversation.connection("big")))
        let long = [Int32](repeating: 1, count: 15)
        #expect(talk.submit(1, prompt: long).assigns.map(\.worker) == ["big"])
        talk.say(.hello(Conversation.hello("small", context: 10), from: Conversation.connection("small")))
        #expect(talk.submit(2, prompt: long).assigns.isEmpty, "big is full, small too small")
        #expect(talk.submit(3).assigns.isEmpty, "nobody overtakes within an identity")
        talk.say(.cancelled(Conversation.key(2), from: Conversation.client("alice")))
        #expect(talk.directives.assigns.map(\.worker) == ["small"])
        #expect(talk.directives.assigns.map(\.query) == [Conversation.key(3)])
        #expect(talk.machine.inconsistencies().isEmpty)
    }
}
