import Client
import Foundation
import Messaging
import Testing
import Topology

extension ClusterTests {
    @Suite("A graph that is edited while the cluster runs") struct ReloadTests {
        /// The file on the disk; the router has read it before.
        private static func edit(_ cluster: TestCluster, _ from: String, _ to: String) throws {
            let text = try String(contentsOfFile: cluster.topology.path, encoding: .utf8)
            #expect(text.contains(from))
            try text.replacing(from, with: to).write(toFile: cluster.topology.path, atomically: true, encoding: .utf8)
        }

        private static func reload(_ client: RouterClient) async throws -> [String] {
            try await client.change(ChangeExperts(id: .random(), change: .reloadGraph)).experts
        }

        private static func refusal(_ client: RouterClient) async throws -> String {
            let error = await #expect(throws: ClientError.self) { _ = try await reload(client) }
            return try #require(error).description
        }

        @Test("what is wrong or needs a new start is refused as a whole by the router, and the running graph stays")
        func refused() async throws {
            let cluster = try WalkTests.make()
            let client = try await cluster.launch()
            defer { client.close() }
            let original = try String(contentsOfFile: cluster.topology.path, encoding: .utf8)
            let wrong = [
                ("[general, french, unsafe]", "[general, french, nobody]", "nobody"),
                ("german, token: <french>", "german, token: <general>", "<general>"),
                ("folder: made", "folder: elsewhere", "elsewhere"),
                ("name: graph", "name: other", "this cluster's graph"),
                ("edges:", "edges: [", "t.yaml"),
            ]
            for (from, to, word) in wrong {
                // Were any of it taken, the next question would find no such entry.
                try Self.edit(
                    cluster, "expert: french, token: <french>, wants: rewritten, entry: true",
                    "expert: german, token: <french>")
                try Self.edit(cluster, from, to)
                let message = try await Self.refusal(client)
                #expect(message.contains("the graph stays as it was") && message.contains(word), "\(message)")
                let answer = await WalkTests.ask(client, WalkTests.query("Bonjour", node: "french"))
                #expect(answer.final?.walk?.node == "french", "\(String(describing: answer.failure))")
                try original.write(toFile: cluster.topology.path, atomically: true, encoding: .utf8)
            }
        }

        @Test("what is right is taken: entries, fallbacks, and a node's time")
        func taken() async throws {
            let cluster = try WalkTests.make()
            let client = try await cluster.launch()
            defer { client.close() }
            try Self.edit(cluster, "wants: rewritten, entry: true", "entry: true, deadline_milliseconds: 1")
            try Self.edit(cluster, "edges:", "edges:\n  - {from: french, to: [general], kind: fallback}")
            #expect(try await Self.reload(client) == ["master", "general", "french", "unsafe"])
            let long = String(repeating: "many words ", count: 150)
            let answer = await WalkTests.ask(client, WalkTests.query(long, node: "french"))
            let walk = try #require(answer.final?.walk, "\(String(describing: answer.failure))")
            #expect(walk.steps.map(\.node) == ["french", "general"])
            #expect(walk.steps.first?.outcome.contains("has not ended within its 1 ms") == true)
            #expect(!answer.tokens.isEmpty)
            try Self.edit(
                cluster, "kind: routed, model: smollm2, token: <general>, entry: true",
                "kind: routed, model: smollm2, token: <general>")
            _ = try await Self.reload(client)
            let closed = await WalkTests.ask(client, WalkTests.query("x", node: "general"))
            #expect(closed.failure?.kind == .unknownNode)
        }
    }
}
