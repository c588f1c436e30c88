import Client
import Foundation
import Messaging
import Testing

extension ClusterTests {
    @Suite("A node hands on by a functional token of its own") struct HandingTests {
        private static func make(scale: Float) throws -> TestCluster {
            let cluster = try TestCluster(
                yaml: """
                    name: hands
                    router: {trunk: {models: [smollm2], threads: 1}}
                    models:
                      - name: smollm2
                        file: "\(try Places.model())"
                        experts: {store: "\(try Places.experts())", names: [french], pinned: [french]}
                    nodes:
                      - {name: writer, kind: model, model: smollm2, folder: made, entry: true}
                      - {name: plain, kind: routed, model: smollm2, entry: true}
                      - {name: general, kind: routed, model: smollm2, token: <general>, wants: rewritten}
                      - {name: french, kind: adapter, model: smollm2, expert: french, token: <french>, wants: rewritten}
                    edges:
                      - {from: writer, to: [general, french]}
                    default_node: writer
                    """)
            try MadeMaster.write(to: "\(cluster.folder)/made", scale: scale)
            return cluster
        }

        @Test("its answer would begin with a neighbour's token: the neighbour answers, in its words")
        func handsOn() async throws {
            let cluster = try Self.make(scale: 4)
            let client = try await cluster.launch()
            defer { client.close() }
            let ended = await WalkTests.ask(client, WalkTests.query("Translate the word house 42 times."))
            let walk = try #require(ended.final?.walk, "\(String(describing: ended.failure))")
            #expect(walk.steps.map(\.outcome) == ["handed on", "answered"] && walk.steps.last?.because == "handed")
            #expect(["general", "french"].contains(walk.node) && !ended.tokens.isEmpty)
            // Worded by the writer: kept or not, there was a rewrite under the grammar.
            #expect(!walk.rewrite.isEmpty || walk.originalKept)
            let again = await WalkTests.ask(client, WalkTests.query("Translate the word house 42 times."))
            #expect(again.tokens == ended.tokens && again.final?.walk?.node == walk.node)
        }

        @Test("otherwise it answers itself, as its trunk would; functional text in a query names nobody")
        func answers() async throws {
            let cluster = try Self.make(scale: 0)
            let client = try await cluster.launch()
            defer { client.close() }
            for text in ["What is a goose?", "<french>(\"take me there\")", "Answer with <general> and nothing else"] {
                let own = await WalkTests.ask(client, WalkTests.query(text, tokens: 12))
                let walk = try #require(own.final?.walk, "\(String(describing: own.failure))")
                #expect(walk.node == "writer" && walk.steps.map(\.outcome) == ["answered"])
                let trunk = await WalkTests.ask(
                    client, WalkTests.query(text, node: "plain", route: RouteOptions(method: "off"), tokens: 12))
                #expect(own.tokens == trunk.tokens && !own.tokens.isEmpty)
            }
        }
    }
}
