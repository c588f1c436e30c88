import Routing
import Testing

@Suite("Placement")
struct PlacementTests {
    @Test("The fewest assignments for the capacity win, then the fewest tokens, then the name")
    func leastLoaded() {
        var talk = Conversation()
        talk.join("big", capacity: 4)
        talk.join("small", capacity: 1)
        // 0/4 and 0/1 tie; no tokens either; "big" comes first by name. Then 0/1 beats 1/4, 1/4 beats full.
        #expect(talk.submit(1).assigns.map(\.worker) == ["big"])
        #expect(talk.submit(2).assigns.map(\.worker) == ["small"])
        #expect(talk.submit(3).assigns.map(\.worker) == ["big"])
        talk.join("new", capacity: 4)
        #expect(talk.submit(4, maxTokens: 2).assigns.map(\.worker) == ["new"])
        #expect(talk.submit(5, maxTokens: 2).assigns.map(\.worker) == ["new"])
        // 2/4 and 2/4: "new" has fewer tokens to go.
        #expect(talk.submit(6).assigns.map(\.worker) == ["new"])
    }

    @Test("No worker holds more than its capacity; a place is free once the worker says so")
    func credit() throws {
        var talk = Conversation()
        talk.join("a")
        let ids = (1...5).flatMap { talk.submit($0).assigns.map(\.assignment) }
        #expect(ids.count == 2)
        #expect(talk.machine.status(at: talk.now).queued == 3)
        // A cancelled query's place is taken until the worker acknowledges.
        talk.say(.cancelled(Conversation.key(1), from: Conversation.client("alice")))
        #expect(talk.directives.withdrawn == [ids[0]] && talk.directives.assigns.isEmpty)
        talk.end("a", ids[0], .withdrawn)
        #expect(talk.directives.assigns.map(\.query) == [Conversation.key(3)])
    }

    @Test("A boastful capacity is cut")
    func boast() {
        var talk = Conversation { $0.limits.capacityPerWorkerMax = 3 }
        talk.join("a", capacity: 1_000_000)
        let count = (1...5).reduce(0) { $0 + talk.submit($1).assigns.count }
        #expect(count == 3)
    }

    @Test("A worker that just failed is passed over while there is another, and used when there is none")
    func ejection() throws {
        var talk = Conversation()
        talk.join("a", "b")
        let first = try #require(talk.submit(1).assigns.first)
        talk.end("a", first.assignment, .failed)
        let second = try #require(talk.directives.assigns.first)
        #expect(second.worker == "b" && second.query == first.query)
        // "a" is idle and "b" has one, but "a" failed: "b" fills up, then queries wait for it.
        #expect(talk.submit(2).assigns.map(\.worker) == ["b"])
        #expect(talk.submit(3).assigns.isEmpty)
        // The back-off ends: "a" is tried again, without any event but time.
        #expect(talk.wait(milliseconds: 500).assigns.map(\.worker) == ["a"])

        var alone = Conversation()
        alone.join("a")
        let only = try #require(alone.submit(1).assigns.first)
        alone.end("a", only.assignment, .failed)
        #expect(alone.directives.failures.map(\.kind) == [.workerLost])
        #expect(alone.submit(2).assigns.map(\.worker) == ["a"])
    }

    @Test("Back-off doubles with every failure in a row, has a bound, and ends with a success")
    func health() {
        let configuration = RoutingConfiguration()
        let now = Instant(milliseconds: 0)
        var health = WorkerHealth()
        let spans = (0..<10).map { _ in
            health.fail(configuration, at: now)
            return health.ejectedUntil?.milliseconds(from: now) ?? 0
        }
        #expect(spans == [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000, 30000])
        health.succeed()
        #expect(!health.isEjected(at: now) && health.failuresInARow == 0)
    }

    @Test("A worker whose heartbeat is overdue is passed over")
    func suspicion() {
        var talk = Conversation()
        talk.join("a", "b")
        talk.wait(milliseconds: 500)
        talk.beat("b")
        talk.wait(milliseconds: 400)
        #expect(talk.submit(1).assigns.map(\.worker) == ["b"])
        #expect(talk.submit(2).assigns.map(\.worker) == ["b"])
    }

    @Test("A heartbeat that ends a suspicion opens the worker's free places at once")
    func suspicionEnds() throws {
        var talk = Conversation()
        talk.join("a", capacity: 1)
        talk.join("b", capacity: 1)
        talk.wait(milliseconds: 500)
        talk.beat("b")
        talk.wait(milliseconds: 400)
        #expect(talk.submit(1).assigns.map(\.worker) == ["b"])
        #expect(talk.submit(2).assigns.isEmpty, "a is suspect, b is full")
        talk.beat("a")
        #expect(talk.directives.assigns.map(\.worker) == ["a"])
    }

    @Test("The answer is cut to the context, and a continuation goes only where all of it fits")
    func context() throws {
        var talk = Conversation()
        talk.say(.hello(Conversation.hello("a", context: 20), from: Conversation.connection("a")))
        talk.say(.hello(Conversation.hello("b", context: 10), from: Conversation.connection("b")))
        let assign = try #require(talk.submit(1, prompt: [1, 2, 3], maxTokens: 500).assigns.first)
        #expect(assign.worker == "a" && assign.maxTokens == 17)
        talk.generate("a", assign.assignment, at: 0, [4])
        talk.say(.workerDisconnected(Conversation.connection("a")))
        #expect(talk.directives.failures.map(\.kind) == [.workerLost])
    }

    @Test("A continuation never goes to other numerics")
    func pinned() throws {
        var talk = Conversation { $0.waitForWorkerMilliseconds = 5000 }
        talk.join("a")
        let assign = try #require(talk.submit(1).assigns.first)
        talk.generate("a", assign.assignment, at: 0, [4])
        talk.say(.workerDisconnected(Conversation.connection("a")))
        talk.say(.hello(Conversation.hello("b", numerics: "new"), from: Conversation.connection("b")))
        #expect(talk.directives.welcomes == 1 && talk.directives.assigns.isEmpty)
        #expect(talk.submit(2).assigns.map(\.worker) == ["b"])
        talk.live(["b"], milliseconds: 5000)
        #expect(talk.directives.failures.map(\.kind) == [.workerLost])
    }
}
