import Client
import Foundation
import Messaging
import Testing
import Threading

extension ClusterTests {
    /// Promise P4 for experts.
    @Suite("Expert workers that are lost") struct ExpertLossTests {
        @Test("kill -9 of an expert worker mid-run with a replica: the same answer, in one attempt")
        func killWithReplica() async throws {
            let cluster = try RoutedCluster.make([("a", []), ("b", [])])
            let client = try await cluster.launch()
            var calm = Reading(client.submit(RoutedCluster.query(60)))
            _ = try await calm.answer()
            for victim in ["a", "b"] {
                var reading = Reading(client.submit(RoutedCluster.query(60)))
                try await reading.read(tokens: 10)
                try cluster.kill(victim)
                let final = try await reading.answer()
                #expect(reading.tokens == calm.tokens && reading.logprobs == calm.logprobs)
                #expect(final.attempt == 1 && final.missing.isEmpty)
                #expect(Set(final.relocated.map(\.expert)) == Set(RoutedCluster.names))
                #expect(final.relocated.allSatisfy { $0.from == victim && !$0.to.isEmpty && !$0.reloaded })
                try cluster.start(victim)
                try await cluster.waitUntilReady(client)
            }
        }

        @Test(
            "without a replica another worker reads the lost experts from the store: the same answer, and the reply says so"
        )
        func reload() async throws {
            let cluster = try RoutedCluster.make(RoutedCluster.halves)
            let client = try await cluster.launch()
            var calm = Reading(client.submit(RoutedCluster.query(60)))
            #expect(try await calm.answer().relocated.isEmpty)
            var reading = Reading(client.submit(RoutedCluster.query(60)))
            try await reading.read(tokens: 10)
            let killed = MonotonicClock.nowMicroseconds
            try cluster.kill("a")
            let isReloaded = try await eventually(withinSeconds: 10) {
                try await client.status().workers.first { $0.name == "b" }?.experts.count == 8
            }
            #expect(isReloaded, "\(cluster.log("router")) \(cluster.log("b"))")
            print("reloaded after \(milliseconds(since: killed)) ms")
            let final = try await reading.answer()
            #expect(reading.tokens == calm.tokens && reading.logprobs == calm.logprobs)
            #expect(final.attempt == 1 && final.missing.isEmpty)
            #expect(
                final.relocated
                    == RoutedCluster.halves[0].1.map { Relocation(expert: $0, from: "a", to: "b", reloaded: true) })
            // The next one finds them there, and has nothing to tell.
            var next = Reading(client.submit(RoutedCluster.query(60)))
            #expect(try await next.answer().relocated.isEmpty)
            #expect(next.tokens == calm.tokens && next.logprobs == calm.logprobs)

            // Back again, the worker has its experts for itself, and the other can be lost in its turn.
            try cluster.start("a")
            let isAsBefore = try await eventually(withinSeconds: 20) {
                try await client.status().workers.filter { $0.name != "trunk" }.map(\.experts.count) == [4, 4]
            }
            #expect(isAsBefore, "\(cluster.log("router")) \(cluster.log("b"))")
            try await cluster.waitUntilReady(client)
            try cluster.kill("b")
            var third = Reading(client.submit(RoutedCluster.query(60)))
            _ = try await third.answer()
            #expect(third.tokens == calm.tokens && third.logprobs == calm.logprobs)
        }

        @Test("a router that begins again while a worker stands in for another: the worker lives, and holds its own")
        func routerBeginsAgain() async throws {
            let cluster = try RoutedCluster.make(RoutedCluster.halves)
            let client = try await cluster.launch()
            var calm = Reading(client.submit(RoutedCluster.query(16)))
            _ = try await calm.answer()
            try cluster.kill("a")
            let isReloaded = try await eventually(withinSeconds: 10) {
                try await client.status().workers.first { $0.name == "b" }?.experts.count == 8
            }
            #expect(isReloaded, "\(cluster.log("router")) \(cluster.log("b"))")
            try cluster.kill("router")
            try cluster.start("router")
            let second = try await RouterClient.connect(cluster.front)
            let isBack = try await eventually(withinSeconds: 20) {
                try await second.status().workers.first { $0.name == "b" }.map {
                    $0.state == "ready" && $0.experts == RoutedCluster.halves[1].1
                } ?? false
            }
            #expect(isBack, "\(cluster.log("router")) \(cluster.log("b"))")
            #expect(try cluster.process("b").isRunning, "\(cluster.log("b"))")
            try cluster.start("a")
            try await cluster.waitUntilReady(second)
            var again = Reading(second.submit(RoutedCluster.query(16)))
            _ = try await again.answer()
            #expect(again.tokens == calm.tokens && again.logprobs == calm.logprobs)
        }

        @Test("while the others read them, renormalise goes on without; afterwards nothing is missing")
        func reloadMeanwhile() async throws {
            let cluster = try RoutedCluster.make(RoutedCluster.halves, onMissing: "renormalise")
            let client = try await cluster.launch()
            var calm = Reading(client.submit(RoutedCluster.query(60)))
            _ = try await calm.answer()
            var reading = Reading(client.submit(RoutedCluster.query(200)))
            try await reading.read(tokens: 10)
            try cluster.kill("a")
            let final = try await reading.answer()
            #expect(final.relocated.allSatisfy { $0.from == "a" && $0.to == "b" && $0.reloaded })
            #expect(final.relocated.count == 4)
            var next = Reading(client.submit(RoutedCluster.query(60)))
            #expect(try await next.answer().missing.isEmpty)
            #expect(next.tokens == calm.tokens && next.logprobs == calm.logprobs)
        }

        @Test("nobody has room for the lost experts: the query fails, typed, and the cluster goes on")
        func reloadWithoutRoom() async throws {
            let cluster = try RoutedCluster.make(RoutedCluster.halves, worker: ", megabytes: 20")
            let client = try await cluster.launch()
            var reading = Reading(client.submit(RoutedCluster.query(400)))
            try await reading.read(tokens: 5)
            try cluster.kill("a")
            #expect(try await reading.refusal() == .workerLost)
            var other = Reading(client.submit(RoutedCluster.query(4, route: RouteOptions(method: "single:swift"))))
            _ = try await other.answer()
        }

        @Test("without a replica, on_missing: fail ends the query at once and typed; the worker's return heals it")
        func killAlone() async throws {
            let cluster = try RoutedCluster.make(RoutedCluster.halves, onLoss: "wait")
            let client = try await cluster.launch()
            var reading = Reading(client.submit(RoutedCluster.query(400)))
            try await reading.read(tokens: 5)
            let killed = MonotonicClock.nowMicroseconds
            try cluster.process("a").signal(SIGKILL)
            #expect(try await reading.refusal() == .workerLost)
            print("kill -9 of an expert worker, alone: workerLost after \(milliseconds(since: killed)) ms")
            #expect(milliseconds(since: killed) <= 1000)
            // What needs none of its experts goes on.
            var other = Reading(client.submit(RoutedCluster.query(4, route: RouteOptions(method: "single:swift"))))
            _ = try await other.answer()
            cluster.end("a")
            try cluster.start("a")
            try await cluster.waitUntilReady(client)
            var again = Reading(client.submit(RoutedCluster.query(8)))
            _ = try await again.answer()
        }

        @Test(
            "renormalise and trunkOnly answer without the lost experts, and say so",
            arguments: ["renormalise", "trunkOnly"])
        func onMissing(_ policy: String) async throws {
            let cluster = try RoutedCluster.make(RoutedCluster.halves, onMissing: policy, onLoss: "wait")
            let client = try await cluster.launch()
            var reading = Reading(client.submit(RoutedCluster.query(40)))
            try await reading.read(tokens: 5)
            try cluster.kill("a")
            let final = try await reading.answer()
            #expect(reading.tokens.count == 40)
            #expect(!final.missing.isEmpty)
            #expect(final.relocated.allSatisfy { $0.from == "a" && $0.to.isEmpty } && final.relocated.count == 4)
            #expect(Set(final.missing.map(\.expert)).isSubset(of: RoutedCluster.halves[0].1))
            // With nothing lost at all the answer says nothing.
            var single = Reading(client.submit(RoutedCluster.query(4, route: RouteOptions(method: "single:swift"))))
            #expect(try await single.answer().missing.isEmpty)
        }

        @Test("SIGSTOP of an expert worker: the replica answers in its place")
        func freeze() async throws {
            let cluster = try RoutedCluster.make([("a", []), ("b", [])])
            let client = try await cluster.launch()
            var calm = Reading(client.submit(RoutedCluster.query(40)))
            _ = try await calm.answer()
            var reading = Reading(client.submit(RoutedCluster.query(40)))
            try await reading.read(tokens: 5)
            try cluster.process("a").signal(SIGSTOP)
            _ = try await reading.answer()
            #expect(reading.tokens == calm.tokens && reading.logprobs == calm.logprobs)
            try cluster.process("a").signal(SIGCONT)
            try await cluster.waitUntilReady(client, withinSeconds: 10)
        }
    }
}
