import Client
import Foundation
import Messaging
import Testing

extension ClusterTests {
    @Suite("Several nodes are asked at once") struct FanTests {
        @Test("the first byte wins and streams: the winner's own tokens, and the other node is cancelled")
        func first() async throws {
            // Both in play, whatever the master says of them.
            let cluster = try WalkTests.make(master: ", top: 2, mass_min: 0")
            let client = try await cluster.launch()
            defer { client.close() }
            for text in ["Bonjour 17", "What is a goose?", "Sing me a song"] {
                let raced = await WalkTests.ask(client, WalkTests.query(text, tokens: 8))
                let walk = try #require(raced.final?.walk, "\(String(describing: raced.failure))")
                #expect(walk.steps.map(\.branch).sorted() == [0, 1, 2], "\(walk.steps)")
                #expect(walk.steps.first?.outcome == "decided" && walk.steps.last?.outcome == "answered")
                #expect(walk.steps[1].outcome == "another node was first", "\(walk.steps)")
                #expect(walk.node == walk.steps.last?.node && walk.node != walk.steps[1].node)
                guard walk.node == "general" else { continue }
                // French is asked in the master's words, general in the client's.
                let alone = await WalkTests.ask(client, WalkTests.query(text, node: "general", tokens: 8))
                #expect(alone.tokens == raced.tokens)
            }
            // Nobody works on for a query that has ended.
            #expect(try await eventually(withinSeconds: 10) { try await cluster.inFlight(client) == 0 })
        }

        @Test("a node whose worker is lost is left out, and the other's answer is the answer")
        func loss() async throws {
            let cluster = try Self.spread()
            let client = try await cluster.launch()
            defer { client.close() }
            let both = await WalkTests.ask(client, WalkTests.query("Bonjour 17", tokens: 16))
            #expect(both.final?.walk?.steps.map(\.outcome) == ["decided", "answered", "answered"])
            let events = client.submit(WalkTests.query("Tell me all of it", tokens: 400))
            let isBusy = try await eventually(withinSeconds: 20) {
                try await client.status().workers.first { $0.name == "far" }?.inFlight ?? 0 > 0
            }
            try #require(isBusy)
            try cluster.kill("far")
            var final: Final?
            for await event in events { if case .final(let one) = event { final = one } }
            let steps = try #require(final?.walk?.steps)
            #expect(
                steps.map(\.node).contains("distant") && steps.contains { $0.outcome.hasPrefix("workerLost") },
                "\(steps)")
            #expect(final?.walk?.node == "general")
        }

        /// General beside the master in the router's process, the other node on a worker of its own.
        private static func spread() throws -> TestCluster {
            let model = try Places.model()
            let cluster = try TestCluster(
                yaml: """
                    name: fan
                    router: {trunk: {models: [smollm2], threads: 1}}
                    models:
                      - {name: smollm2, file: "\(model)"}
                      - {name: other, file: "\(model)"}
                    workers:
                      - {name: far, models: [other], threads: 1}
                    nodes:
                      - {name: master, kind: master, model: smollm2, folder: made, general: general, top: 2, mass_min: 0, reassembly: concatenate}
                      - {name: general, kind: model, model: smollm2, token: <general>}
                      - {name: distant, kind: model, model: other, token: <french>}
                    edges:
                      - {from: master, to: [general, distant]}
                    default_node: master
                    """)
            try MadeMaster.write(to: "\(cluster.folder)/made")
            return cluster
        }
    }
}
