import Routing
import Testing

@Suite("Losing workers")
struct LossTests {
    @Test("Silence: suspect after 750 ms, lost after 1.5 s, no sooner")
    func silence() {
        var talk = Conversation()
        talk.join("a")
        func state() -> WorkerState? { talk.machine.status(at: talk.now).workers.first?.state }
        talk.wait(milliseconds: 749)
        #expect(state() == .ready)
        talk.wait(milliseconds: 1)
        #expect(state() == .suspect)
        talk.wait(milliseconds: 749)
        #expect(state() == .suspect)
        talk.wait(milliseconds: 1)
        #expect(state() == .lost)
        #expect(talk.directives.total(.workersLost) == 1)
    }

    @Test("Heartbeats keep an idle worker alive, whatever its progress")
    func idle() {
        var talk = Conversation { $0.stallMilliseconds = 2000 }
        talk.join("a")
        for _ in 0..<20 {
            talk.wait(milliseconds: 500)
            talk.beat("a")
        }
        #expect(talk.machine.status(at: talk.now).workers.map(\.state) == [.ready])
    }

    @Test("A live socket with stuck work is a dead worker")
    func stall() {
        var talk = Conversation { $0.stallMilliseconds = 2000 }
        talk.join("a")
        talk.submit(1)
        for _ in 0..<5 {
            talk.wait(milliseconds: 400)
            talk.beat("a", progress: 1)
            talk.renew(1)
        }
        // The first heartbeat moved the progress, at 400 ms.
        #expect(talk.machine.census.liveQueries == 1)
        talk.wait(milliseconds: 400)
        #expect(talk.directives.failures.map(\.kind) == [.workerLost])
        #expect(talk.machine.status(at: talk.now).workers.map(\.state) == [.lost])
        // Heartbeats alone do not bring it back; progress does.
        talk.beat("a", progress: 1)
        #expect(talk.machine.status(at: talk.now).workers.map(\.state) == [.lost])
        talk.beat("a", progress: 2)
        #expect(talk.machine.status(at: talk.now).workers.map(\.state) == [.ready])
    }

    @Test("A disconnect is a loss at once, and alone a typed failure at once")
    func disconnect() {
        var talk = Conversation()
        talk.join("a")
        talk.submit(1)
        talk.say(.workerDisconnected(Conversation.connection("a")))
        #expect(talk.directives.failures.map(\.kind) == [.workerLost])
        #expect(talk.directives.forgotten == [Conversation.key(1)])
    }

    @Test("A worker that comes back is asked to drop what it had, and its places count until it has")
    func revival() throws {
        var talk = Conversation { $0.stallMilliseconds = 60_000 }
        talk.join("a", capacity: 1)
        let id = try #require(talk.submit(1).assigns.first?.assignment)
        talk.wait(milliseconds: 1500)
        #expect(talk.directives.failures.map(\.kind) == [.workerLost])
        talk.beat("a")
        #expect(talk.directives.withdrawn == [id])
        #expect(talk.submit(2).assigns.isEmpty)
        // Tokens of the old attempt are nobody's.
        talk.generate("a", id, at: 0, [9])
        #expect(talk.directives.advances.isEmpty && talk.directives.total(.staleMessages) == 1)
        talk.end("a", id, .withdrawn)
        #expect(talk.directives.assigns.map(\.query) == [Conversation.key(2)])
    }

    @Test("A worker that ignores a withdrawal is lost, and back when it has let go")
    func unresponsive() throws {
        var talk = Conversation { $0.withdrawMilliseconds = 3000 }
        talk.join("a")
        let id = try #require(talk.submit(1).assigns.first?.assignment)
        talk.say(.cancelled(Conversation.key(1), from: Conversation.client("alice")))
        talk.live(["a"], milliseconds: 3000, inFlight: 1)
        #expect(talk.machine.status(at: talk.now).workers.map(\.state) == [.lost])
        talk.end("a", id, .withdrawn)
        talk.live(["a"], milliseconds: 400)
        #expect(talk.machine.status(at: talk.now).workers.map(\.state) == [.ready])
    }

    @Test("A place whose ending was lost is free once the worker's heartbeats show that it holds nothing")
    func lostEnding() {
        var talk = Conversation()
        talk.join("a", capacity: 1)
        talk.submit(1)
        talk.say(.cancelled(Conversation.key(1), from: Conversation.client("alice")))
        talk.submit(2)
        func beat(inFlight: Int) {
            talk.wait(milliseconds: 500)
            talk.say(
                .heartbeat(
                    Heartbeat(incarnation: 1, progress: talk.now.microseconds, inFlight: inFlight),
                    from: Conversation.connection("a")))
        }
        beat(inFlight: 0)
        #expect(talk.directives.assigns.isEmpty, "the withdrawal may still be on its way")
        beat(inFlight: 1)
        #expect(talk.directives.assigns.isEmpty, "it says that it has something")
        beat(inFlight: 0)
        #expect(talk.directives.assigns.map(\.query) == [Conversation.key(2)])
    }

    @Test("The router's own standstill is not held against the others")
    func ownPause() {
        var talk = Conversation()
        talk.join("a")
        talk.submit(1)
        talk.now = talk.now.advanced(byMilliseconds: 20_000)
        talk.beat("a", progress: 5)
        #expect(talk.directives.total(.workersLost) == 0 && talk.directives.forgotten.isEmpty)
        #expect(talk.machine.status(at: talk.now).workers.map(\.state) == [.ready])
        // Deadlines are promises and do not move.
        talk.now = talk.now.advanced(byMilliseconds: 45_000)
        talk.say(.tick)
        #expect(talk.directives.failures.map(\.kind) == [.deadlineExceeded])
    }

    @Test("A worker that says goodbye finishes and gets nothing new; its leaving is no loss")
    func goodbye() throws {
        var talk = Conversation()
        talk.join("a", "b")
        let assign = try #require(talk.submit(1).assigns.first)
        #expect(assign.worker == "a")
        talk.say(.goodbye(incarnation: 1, reason: "SIGTERM", from: Conversation.connection("a")))
        #expect(talk.submit(2).assigns.map(\.worker) == ["b"])
        #expect(talk.submit(3).assigns.map(\.worker) == ["b"])
        talk.generate("a", assign.assignment, at: 0, [5])
        talk.end("a", assign.assignment)
        #expect(talk.directives.finals.count == 1)
        talk.say(.workerDisconnected(Conversation.connection("a")))
        #expect(talk.directives.total(.workersLost) == 0)
        #expect(talk.machine.status(at: talk.now).workers.map(\.name) == ["b"])
    }

    @Test("A lost worker stays visible for a while, not forever")
    func forgotten() {
        var talk = Conversation {
            $0.lostWorkerMilliseconds = 5000
            $0.expectedWorkers = ["a"]
        }
        talk.join("a")
        talk.say(.workerDisconnected(Conversation.connection("a")))
        #expect(talk.machine.status(at: talk.now).workers.map(\.state) == [.lost])
        talk.wait(milliseconds: 5000)
        #expect(talk.machine.census.workers == 0 && talk.machine.census.timers == 0)
        #expect(talk.machine.status(at: talk.now).workers.map(\.state) == [.absent])
        #expect(talk.machine.status(at: talk.now).state == .degraded)
    }
}
