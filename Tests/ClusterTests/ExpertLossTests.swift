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
                try cluster.start(victim)
                try await cluster.waitUntilReady(client)
            }
        }

        @Test("without a replica, on_missing: fail ends the query at once and typed; the worker's return heals it")
        func killAlone() async throws {
            let cluster = try RoutedCluster.make(RoutedCluster.halves)
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
            let cluster = try RoutedCluster.make(RoutedCluster.halves, onMissing: policy)
            let client = try await cluster.launch()
            var reading = Reading(client.submit(RoutedCluster.query(40)))
            try await reading.read(tokens: 5)
            try cluster.kill("a")
            let final = try await reading.answer()
            #expect(reading.tokens.count == 40)
            #expect(!final.missing.isEmpty)
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
