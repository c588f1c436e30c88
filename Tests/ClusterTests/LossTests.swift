import Client
import Foundation
import Messaging
import Testing
import Threading
import Topology

extension ClusterTests {
    /// Promise P4: losing a worker costs time, not answers.
    @Suite("Workers that are lost") struct LossTests {
        @Test("kill -9 of the answering worker with a second one up: one uninterrupted, identical answer")
        func killWithReplica() async throws {
            let cluster = try TestCluster(workers: ["a", "b"])
            let client = try await cluster.launch()
            let expected = try await Story.reference(cluster, tokens: 80)
            var reading = Reading(client.submit(Story.query(80)))
            try await reading.read(tokens: 10)
            let victim = try await cluster.busyWorker(client)
            try cluster.kill(victim)
            let final = try await reading.answer()
            #expect(reading.tokens == expected.tokens)
            #expect(reading.text == expected.text)
            #expect(final.attempt == 2)
            #expect(final.trace.map(\.outcome) == ["workerLost", "finished"])
            #expect(final.trace.first?.worker == victim)
            #expect(final.trace.last?.worker == (victim == "a" ? "b" : "a"))
        }

        @Test("alone: a typed failure within 250 ms of kill -9, and answers again once the worker is back")
        func killAlone() async throws {
            let cluster = try TestCluster(workers: ["a"])
            let client = try await cluster.launch()
            var reading = Reading(client.submit(Story.query(1500)))
            try await reading.read(tokens: 10)
            let killed = MonotonicClock.nowMicroseconds
            try cluster.process("a").signal(SIGKILL)
            #expect(try await reading.refusal() == .workerLost)
            let elapsed = milliseconds(since: killed)
            print("kill -9, alone: workerLost after \(elapsed) ms")
            #expect(elapsed <= 250)
            #expect((reading.failure?.tokensSent).map(Int.init) == reading.tokens.count)
            cluster.end("a")
            try cluster.start("a")
            try await cluster.waitUntilReady(client)
            var again = Reading(client.submit(Story.query(20)))
            _ = try await again.answer()
            #expect(again.tokens.count == 20)
        }

        @Test("SIGSTOP of the answering worker: the other goes on within 3.5 s; woken, it rejoins")
        func freeze() async throws {
            let cluster = try TestCluster(workers: ["a", "b"])
            let client = try await cluster.launch()
            let expected = try await Story.reference(cluster, tokens: 80)
            var reading = Reading(client.submit(Story.query(80)))
            try await reading.read(tokens: 10)
            let victim = try await cluster.busyWorker(client)
            let stopped = MonotonicClock.nowMicroseconds
            try cluster.process(victim).signal(SIGSTOP)
            while reading.attempt < 2, await reading.next() {}
            let elapsed = milliseconds(since: stopped)
            print("SIGSTOP: the other worker's first token after \(elapsed) ms")
            #expect(elapsed <= 3500)
            let final = try await reading.answer()
            #expect(reading.tokens == expected.tokens)
            #expect(reading.text == expected.text)
            #expect(final.attempt == 2)
            try cluster.process(victim).signal(SIGCONT)
            try await cluster.waitUntilReady(client, withinSeconds: 10)
        }

        @Test(
            "a client that stood still for longer than its lease learns that the lease ran out, not that the router is gone"
        )
        func suspendedClient() async throws {
            let cluster = try TestCluster(workers: ["a"], router: "  limits: {lease_milliseconds: 1000}")
            let client = try await cluster.launch()
            let query = try RunningProcess(
                [
                    "query", Story.prompt, "--raw", "--topology", cluster.topology.path, "--max-tokens", "2000",
                ],
                folder: cluster.folder)
            let isBusy = try await eventually(withinSeconds: 10) { try await cluster.inFlight(client) == 1 }
            #expect(isBusy)
            query.signal(SIGSTOP)
            try await Task.sleep(for: .seconds(4))
            query.signal(SIGCONT)
            let code = try await query.ending(withinSeconds: 5)
            #expect(code == 1)
            #expect(query.errors.contains("leaseExpired"), "\(query.errors)")
        }

        @Test("a cache that holds less than the context bounds the prompt, and the refusal says so")
        func smallCache() async throws {
            let cluster = try TestCluster(workers: ["a"], workerExtra: ", kv_megabytes: 4")
            let client = try await cluster.launch()
            var reading = Reading(client.submit(Story.query(500)))
            _ = try await reading.answer()
            #expect(reading.tokens.count < 500)
            let long = try await cluster.run(
                [
                    "query", String(repeating: "far too long ", count: 200), "--topology", cluster.topology.path,
                    "--max-tokens", "5",
                ])
            #expect(long.code == 3)
            #expect(long.errors.contains("promptTooLong"), "\(long.errors)")
        }

        @Test("a query at the workers' door is refused at once")
        func wrongDoor() async throws {
            let cluster = try TestCluster(workers: ["a"])
            _ = try await cluster.launch()
            let started = MonotonicClock.nowMicroseconds
            let asked = try await cluster.run(["query", "hi", "--socket", cluster.control.description])
            #expect(asked.code == 3)
            #expect(asked.errors.contains("forbidden"), "\(asked.errors)")
            #expect(milliseconds(since: started) < 3000)
        }
    }
}
