import Client
import Foundation
import Messaging
import Testing
import Topology

extension ClusterTests {
    /// Experts of mixture layers on workers: promises P1 and P4.
    @Suite("Mixtures spread over workers") struct SpreadTests {
        @Test("all local, one worker, two by expert, two by layer, replicas, by memory: one fingerprint")
        func placements() async throws {
            let placements: [(String, [String], String?)] = [
                ("all local", [], nil), ("one worker", ["a"], "[{workers: [a]}]"),
                ("two by expert", ["a", "b"], SpreadCluster.byExpert),
                ("two by layer", ["a", "b"], SpreadCluster.byLayer),
                ("replicas", ["a", "b"], SpreadCluster.everywhere), ("by memory", ["a", "b"], "auto"),
            ]
            var expected: Score?
            for (name, workers, placement) in placements {
                let spread = try SpreadCluster.make(workers, placement: placement)
                defer { spread.removeModel() }
                let client = try await spread.cluster.launch()
                let local: Score
                if let expected { local = expected } else { local = try await spread.inProcess(700) }
                expected = local
                var reading = Reading(client.submit(SpreadCluster.score(700)))
                let final = try await reading.answer()
                #expect(final.score == local, "\(name)")
                #expect(final.missing.isEmpty)
                for worker in workers {
                    let held = try await client.status().workers.first { $0.name == worker }?.experts.count
                    #expect(held == (placement?.contains("{workers") == true ? 48 : 24), "\(name), \(worker)")
                }
            }
        }

        @Test("stats --plan: EPLB's plan of what tokens chose, over the workers that there are")
        func plan() async throws {
            let spread = try SpreadCluster.make(["a", "b"], placement: SpreadCluster.byExpert)
            defer { spread.removeModel() }
            let client = try await spread.cluster.launch()
            var reading = Reading(client.submit(SpreadCluster.score(700)))
            _ = try await reading.answer()
            let plan = try await spread.plan()
            #expect(plan.workers == ["a", "b"] && plan.layers.map(\.layer) == Array(0..<6))
            for layer in plan.layers {
                #expect(layer.now == ["a": [0, 1, 2, 3], "b": [4, 5, 6, 7]])
                #expect(layer.planned.values.joined().sorted() == Array(0..<8))
                // As many places as experts: packing by descending load is never worse than halves as they come.
                #expect(layer.plannedUnevenness >= 0.999 && layer.plannedUnevenness <= layer.unevenness + 0.001)
            }
        }

        @Test("stats --plan where nothing can be moved is refused")
        func nothingToPlan() async throws {
            let spread = try SpreadCluster.make(["a"], placement: "[{workers: [a]}]")
            defer { spread.removeModel() }
            let client = try await spread.cluster.launch()
            var reading = Reading(client.submit(SpreadCluster.score(50)))
            _ = try await reading.answer()
            let command = ["stats", "--plan", "--topology", spread.cluster.topology.path]
            #expect(
                try await eventually(withinSeconds: 10) {
                    let ended = try await spread.cluster.run(command)
                    return ended.code == 3 && ended.errors.contains("fewer than two workers")
                })
        }

        @Test("alone and among 15 others: one fingerprint")
        func company() async throws {
            let spread = try SpreadCluster.make(["a", "b"], placement: SpreadCluster.byExpert)
            defer { spread.removeModel() }
            let client = try await spread.cluster.launch()
            let expected = try await spread.inProcess(300)
            let others = (0..<15).map { client.submit(SpreadCluster.query(UInt32(8 + $0))) }
            var together = Reading(client.submit(SpreadCluster.score(300)))
            #expect(try await together.answer().score == expected)
            for stream in others {
                var other = Reading(stream)
                _ = try await other.answer()
            }
        }

        @Test("kill -9 of a worker mid-run, with a replica: one fingerprint, in one attempt")
        func kill() async throws {
            let spread = try SpreadCluster.make(["a", "b"], placement: SpreadCluster.everywhere)
            defer { spread.removeModel() }
            let cluster = spread.cluster
            let client = try await cluster.launch()
            let expected = try await spread.inProcess(7500)
            for victim in ["a", "b"] {
                var reading = Reading(client.submit(SpreadCluster.score(7500)))
                #expect(try await eventually(withinSeconds: 10) { try await cluster.inFlight(client) == 1 })
                try await Task.sleep(for: .milliseconds(100))
                try #require(try await cluster.inFlight(client) == 1, "it was over before the kill")
                try cluster.kill(victim)
                let final = try await reading.answer()
                #expect(final.score == expected && final.attempt == 1 && final.missing.isEmpty)
                #expect(cluster.log("router").contains("expert worker \(victim) is gone"))
                try cluster.start(victim)
                try await cluster.waitUntilReady(client)
            }
        }

        @Test("a worker comes back mid-run with other experts: one fingerprint, and its new ones are asked")
        func replacement() async throws {
            let rules = "[{experts: 0-3, workers: [a, b]}, {experts: 4-7, workers: [a]}]"
            let spread = try SpreadCluster.make(["a", "b"], placement: rules)
            defer { spread.removeModel() }
            let cluster = spread.cluster
            let client = try await cluster.launch()
            let expected = try await spread.inProcess(7500)
            let other = try String(contentsOfFile: cluster.topology.path, encoding: .utf8)
                .replacing(rules, with: "[{experts: 0-3, workers: [a]}, {experts: 4-7, workers: [a, b]}]")
            let file = cluster.topology.path
            try other.write(toFile: file, atomically: true, encoding: .utf8)
            var reading = Reading(client.submit(SpreadCluster.score(7500)))
            #expect(try await eventually(withinSeconds: 10) { try await cluster.inFlight(client) == 1 })
            try cluster.kill("b")
            try cluster.start("b")
            let final = try await reading.answer()
            #expect(final.score == expected && final.attempt == 1 && final.missing.isEmpty)
            try await cluster.waitUntilReady(client)
            // What only b has now.
            try cluster.kill("a")
            let start = "[{experts: 0-3, workers: [a]}, {experts: 4-7, workers: [b]}]"
            try other.replacing("[{experts: 0-3, workers: [a]}, {experts: 4-7, workers: [a, b]}]", with: start)
                .write(toFile: file, atomically: true, encoding: .utf8)
            try cluster.start("a")
            try await cluster.waitUntilReady(client)
            var again = Reading(client.submit(SpreadCluster.score(7500)))
            #expect(try await again.answer().score == expected)
        }

        @Test("without a replica, on_missing: fail ends the query typed; the worker's return heals it")
        func killAlone() async throws {
            let spread = try SpreadCluster.make(["a", "b"], placement: SpreadCluster.byExpert)
            defer { spread.removeModel() }
            let cluster = spread.cluster
            let client = try await cluster.launch()
            var reading = Reading(client.submit(SpreadCluster.query(4000)))
            try await reading.read(tokens: 5)
            try cluster.kill("b")
            #expect(try await reading.refusal() == .workerLost)
            try cluster.start("b")
            try await cluster.waitUntilReady(client)
            let expected = try await spread.inProcess(300)
            var again = Reading(client.submit(SpreadCluster.score(300)))
            #expect(try await again.answer().score == expected)
        }

        @Test(
            "renormalise and trunkOnly answer without the lost experts, and say so",
            arguments: ["renormalise", "trunkOnly"])
        func onMissing(_ policy: String) async throws {
            let spread = try SpreadCluster.make(["a", "b"], placement: SpreadCluster.byExpert, onMissing: policy)
            defer { spread.removeModel() }
            let client = try await spread.cluster.launch()
            var reading = Reading(client.submit(SpreadCluster.query(600)))
            try await reading.read(tokens: 5)
            try spread.cluster.kill("b")
            let final = try await reading.answer()
            #expect(reading.tokens.count == 600 && !final.missing.isEmpty)
            let lost = (4...7).map { "expert \($0) of layer" }
            #expect(final.missing.allSatisfy { missing in lost.contains { missing.expert.hasPrefix($0) } })
        }

        @Test("SIGSTOP of a worker: the replica answers in its place")
        func freeze() async throws {
            let spread = try SpreadCluster.make(["a", "b"], placement: SpreadCluster.everywhere)
            defer { spread.removeModel() }
            let cluster = spread.cluster
            let client = try await cluster.launch()
            var calm = Reading(client.submit(SpreadCluster.query(300)))
            _ = try await calm.answer()
            var reading = Reading(client.submit(SpreadCluster.query(300)))
            try await reading.read(tokens: 5)
            try cluster.process("a").signal(SIGSTOP)
            _ = try await reading.answer()
            #expect(reading.tokens == calm.tokens && reading.logprobs == calm.logprobs)
            try cluster.process("a").signal(SIGCONT)
            try await cluster.waitUntilReady(client, withinSeconds: 10)
        }
    }

    @Suite("Mixtures that cannot be spread") struct SpreadRefusalTests {
        @Test("a replica with another hash is not asked, and the log says which and why")
        func otherHash() async throws {
            let other = "/tmp/skein-other-\(UUID().uuidString.prefix(8))"
            try RandomMixture.write(to: other, changed: (layer: 2, expert: 5))
            defer { try? FileManager.default.removeItem(atPath: other) }
            let spread = try SpreadCluster.make(
                ["a", "b"], placement: SpreadCluster.everywhere, files: ["b": other])
            defer { spread.removeModel() }
            let client = try await spread.cluster.launch()
            #expect(
                try await eventually(withinSeconds: 5) {
                    spread.cluster.log("router").contains("expert worker b has another mixture/2.5")
                })
            let expected = try await spread.inProcess(300)
            var reading = Reading(client.submit(SpreadCluster.score(300)))
            #expect(try await reading.answer().score == expected)
        }

        @Test("a placement that leaves an expert nowhere: no process starts, and the line is named")
        func nowhere() async throws {
            let spread = try SpreadCluster.make(["a"], placement: "[{experts: 0-6, workers: [a]}]")
            defer { spread.removeModel() }
            for command in [["worker", "--name", "a"], ["router"]] {
                let (code, _, errors) = try await spread.cluster.run(
                    command + ["--topology", spread.cluster.topology.path])
                #expect(code == 1)
                #expect(
                    (errors + spread.cluster.log(command[0] == "router" ? "router" : "a")).contains(
                        "expert 7 of layer 0 is nowhere"))
            }
        }

        @Test("a worker without the file, and a missing shard")
        func missingFiles() async throws {
            let spread = try SpreadCluster.make(
                ["a"], placement: "[{workers: [a]}]", files: ["a": "/nowhere/model.safetensors"])
            defer { spread.removeModel() }
            let arguments = ["worker", "--name", "a", "--topology", spread.cluster.topology.path]
            let (code, _, errors) = try await spread.cluster.run(arguments)
            #expect(code == 2 && errors.contains("/nowhere/model.safetensors: no such file"), "\(errors)")
            let sharded = try SpreadCluster.make(["a"], placement: "auto")
            defer { sharded.removeModel() }
            let index = #"{"weight_map": {"model.norm.weight": "model-00002-of-00002.safetensors"}}"#
            try FileManager.default.removeItem(atPath: "\(sharded.model)/model.safetensors")
            try Data(index.utf8).write(to: URL(filePath: "\(sharded.model)/model.safetensors.index.json"))
            let (status, _, words) = try await sharded.cluster.run([
                "worker", "--name", "a", "--topology", sharded.cluster.topology.path,
            ])
            #expect(status == 1)
            #expect((words + sharded.cluster.log("a")).contains("model-00002-of-00002.safetensors"))
        }
    }
}
