import Client
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
