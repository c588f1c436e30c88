import Client
import Messaging
import Testing
import Topology

extension ClusterTests {
    @Suite("Answers over ipc") struct AnswerTests {
        @Test("a streamed answer has the tokens and the text of the same query in process, greedy and sampled")
        func equalsInProcess() async throws {
            let cluster = try TestCluster(workers: ["a"])
            let client = try await cluster.launch()
            let prompt = "Name three uses of wool, and say why."
            for (sampling, options) in [
                (Sampling(), []),
                (
                    Sampling(temperature: 0.8, topP: 0.9, seed: 7),
                    ["--temperature", "0.8", "--top-p", "0.9", "--seed", "7"]
                ),
            ] {
                let expected = try await Reference.generate(
                    cluster, prompt: prompt, options: options + ["--max-tokens", "40"])
                let query = Query(
                    id: .random(), prompt: .chat([ChatMessage(content: prompt)]), sampling: sampling, maxTokens: 40)
                var reading = Reading(client.submit(query))
                let final = try await reading.answer()
                #expect(reading.tokens == expected.tokens)
                #expect(reading.text == expected.text)
                #expect(Int(final.usage.promptTokens) == expected.promptTokens.count)
                // A worker gathers tokens for 20 ms: 40 of them cannot come in one or two pieces.
                #expect(reading.partials > 3, "the answer came in \(reading.partials) pieces; it is to be streamed")
            }
        }

        @Test("the same id and body re-attaches while it runs and replays afterwards; another body is a conflict")
        func attaching() async throws {
            let cluster = try TestCluster(workers: ["a"])
            let client = try await cluster.launch()
            let second = try await RouterClient.connect(cluster.front)
            let query = Story.query(60)
            var first = Reading(client.submit(query))
            try await first.read(tokens: 10)
            var attached = Reading(second.submit(query))
            _ = try await attached.answer()
            let third = try await RouterClient.connect(cluster.front)
            var replayed = Reading(third.submit(query))
            _ = try await replayed.answer()
            #expect(attached.tokens.count == 60)
            #expect(attached.tokens.starts(with: first.tokens))
            #expect(replayed.tokens == attached.tokens)
            #expect(replayed.text == attached.text)
            #expect(try await client.counter("accepted") == 1, "a query ran twice")
            let other = try await RouterClient.connect(cluster.front)
            var conflict = Reading(other.submit(Story.query(61, id: query.id)))
            #expect(try await conflict.refusal() == .idConflict)
        }

        @Test("cancelling frees the worker, and so does a client that is killed, when its lease runs out")
        func cancelling() async throws {
            let cluster = try TestCluster(workers: ["a"], router: "  limits: {lease_milliseconds: 500}")
            let client = try await cluster.launch()
            let query = Story.query(1500)
            var reading = Reading(client.submit(query))
            try await reading.read(tokens: 5)
            #expect(try await cluster.busyWorker(client) == "a")
            client.cancel(query.id)
            #expect(try await reading.refusal() == .cancelled)
            #expect(try await eventually(withinSeconds: 1) { try await cluster.inFlight(client) == 0 })

            let asking = try RunningProcess(
                ["query", Story.prompt, "--raw", "--max-tokens", "1500", "--topology", cluster.topology.path],
                folder: cluster.folder)
            #expect(try await eventually(withinSeconds: 10) { try await cluster.inFlight(client) == 1 })
            asking.end()
            #expect(try await eventually(withinSeconds: 2) { try await cluster.inFlight(client) == 0 })
            #expect(try await client.counter("cancelled") == 2)
        }

        @Test("statistics count what happened and outlive the router")
        func statistics() async throws {
            let cluster = try TestCluster(workers: ["a"])
            let client = try await cluster.launch()
            var reading = Reading(client.submit(Story.query(20)))
            _ = try await reading.answer()
            #expect(try await client.counter("answered") == 1)
            #expect(try await client.counter("generatedTokens") == 20)
            try cluster.process("router").signal(15)
            #expect(try await cluster.process("router").ending(withinSeconds: 10) == 0)
            try cluster.start("router")
            let later = try await RouterClient.connect(cluster.front)
            #expect(try await later.counter("answered") == 1)
            try await cluster.waitUntilReady(later)
            var again = Reading(later.submit(Story.query(20)))
            _ = try await again.answer()
            #expect(again.tokens == reading.tokens, "the worker that found the new router answers differently")
            #expect(try await later.counter("generatedTokens") == 40)
        }
    }
}

extension RouterClient {
    /// A counter of the whole cluster.
    func counter(_ name: String) async throws -> UInt64 {
        let cluster = try await statistics().scopes.first { $0.scope == "cluster" }
        return cluster?.counters.first { $0.name == name }?.value ?? 0
    }
}
