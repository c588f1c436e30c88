import Client
import Foundation
import Messaging
import Testing

extension ClusterTests {
    /// Promise P1 for experts: where they live does not show.
    @Suite("Experts on workers") struct RoutedTests {
        @Test("tokens through two expert workers are those of the same experts in one process")
        func equalsInProcess() async throws {
            let cluster = try RoutedCluster.make(RoutedCluster.halves)
            let client = try await cluster.launch()
            for route in ["phatgoose", "arrow", "single:french", "off"] {
                let expected = try await Reference.routed(cluster, tokens: 24, route: route)
                var reading = Reading(client.submit(RoutedCluster.query(24, route: RouteOptions(method: route))))
                let final = try await reading.answer()
                #expect(reading.tokens == expected.tokens, "route \(route)")
                #expect(reading.text == expected.text)
                #expect(final.attempt == 1 && final.missing.isEmpty && final.trace.map(\.worker) == ["trunk"])
            }
        }

        @Test("all local, one worker, two, mixed, replicas: tokens and log probabilities are equal to the bit")
        func placementIsInvisible() async throws {
            let placements: [(String, [(String, [String])], pinned: [String])] = [
                ("all beside the trunk", [], RoutedCluster.names),
                ("one worker", [("a", [])], []),
                ("two workers", RoutedCluster.halves, []),
                ("some of each", [("a", RoutedCluster.names)], ["german", "python", "swift"]),
                ("replicas", [("a", []), ("b", [])], []),
            ]
            var first: (tokens: [Int32], logprobs: [TokenLogprobs])?
            for (name, workers, pinned) in placements {
                let cluster = try RoutedCluster.make(workers, pinned: pinned)
                let client = try await cluster.launch()
                var reading = Reading(client.submit(RoutedCluster.query(24)))
                _ = try await reading.answer()
                #expect(reading.logprobs.count == 24)
                let expected = first ?? (reading.tokens, reading.logprobs)
                #expect(reading.tokens == expected.tokens, "\(name)")
                #expect(reading.logprobs == expected.logprobs, "\(name)")
                first = expected
            }
        }

        @Test("cacheable experts come beside the trunk, within the bound, and no bit changes", arguments: [12, 256])
        func cacheable(megabytes: Int) async throws {
            let queries = ["phatgoose", "single:german", "phatgoose"].map {
                RoutedCluster.query(40, route: RouteOptions(method: $0))
            }
            let remote = try RoutedCluster.make(RoutedCluster.halves)
            let expected = try await Reading.all(queries, through: try await remote.launch())
            let cluster = try RoutedCluster.make(
                RoutedCluster.halves, cacheable: RoutedCluster.names, cacheMegabytes: megabytes)
            let client = try await cluster.launch()
            let found = try await Reading.all(queries, through: client)
            #expect(found.map(\.tokens) == expected.map(\.tokens) && found.map(\.logprobs) == expected.map(\.logprobs))
            let log = cluster.log("router")
            let arrivals = log.components(separatedBy: "is hot and comes beside the trunk").count - 1
            #expect(log.contains("german is hot") && arrivals >= 3, "\(log)")
            // Two fit into 12 MiB, all eight into 256.
            #expect(log.contains("leaves the trunk") == (megabytes == 12), "\(log)")
            guard megabytes == 256 else { return }
            // With all of them beside the trunk, nobody misses the workers.
            #expect(arrivals == 8)
            for name in ["a", "b"] { try cluster.kill(name) }
            var alone = Reading(client.submit(RoutedCluster.query(40)))
            let final = try await alone.answer()
            #expect(alone.tokens == expected[0].tokens && alone.logprobs == expected[0].logprobs)
            #expect(final.missing.isEmpty)
        }

        @Test("beside other queries of other routes a query gets the same bits")
        func company() async throws {
            let cluster = try RoutedCluster.make(RoutedCluster.halves)
            let client = try await cluster.launch()
            var alone = Reading(client.submit(RoutedCluster.query(16)))
            _ = try await alone.answer()
            let others = ["single:german", "off", "arrow", "merged"].map { method in
                client.submit(
                    Query(id: .random(), prompt: .text("1 2 3"), maxTokens: 40, route: RouteOptions(method: method)))
            }
            var together = Reading(client.submit(RoutedCluster.query(16)))
            _ = try await together.answer()
            #expect(together.tokens == alone.tokens && together.logprobs == alone.logprobs)
            for stream in others {
                var other = Reading(stream)
                _ = try await other.answer()
            }
        }

        @Test("a route beyond the topology's bounds, or for no such method or expert, is the client's mistake")
        func bounds() async throws {
            let cluster = try RoutedCluster.make(
                [("a", [])], route: "{top_k: 2, top_k_max: 3, methods: [phatgoose, single]}")
            let client = try await cluster.launch()
            let wrong = [
                RouteOptions(topK: 4), RouteOptions(method: "arrow"), RouteOptions(method: "fatgoose"),
                RouteOptions(method: "single:nobody"), RouteOptions(temperature: -1), RouteOptions(null: "perhaps"),
                RouteOptions(allowed: ["nobody"]),
            ]
            for route in wrong {
                var reading = Reading(client.submit(RoutedCluster.query(4, route: route)))
                #expect(try await reading.refusal() == .invalidParameter, "\(route)")
            }
            var fine = Reading(client.submit(RoutedCluster.query(4, route: RouteOptions(topK: 3, allowed: ["french"]))))
            _ = try await fine.answer()
            let plain = try TestCluster(workers: ["a"])
            let other = try await plain.launch()
            var routed = Reading(other.submit(RoutedCluster.query(4, route: RouteOptions(topK: 1))))
            #expect(try await routed.refusal() == .invalidParameter)
        }
    }
}
