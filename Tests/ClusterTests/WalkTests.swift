import Client
import Foundation
import Messaging
import Testing
import Topology

extension ClusterTests {
    @Suite("Queries through the graph of nodes") struct WalkTests {
        /// - Parameters:
        ///   - master: more keys of the master.
        ///   - refusal: the threshold of the refusal.
        static func make(
            master: String = "", refusal: Double = 1, more: String = "", scale: Float = 4
        ) throws -> TestCluster {
            let cluster = try TestCluster(
                yaml: """
                    name: graph
                    router: {trunk: {models: [smollm2], threads: 1}}
                    models:
                      - name: smollm2
                        file: "\(try Places.model())"
                        experts: {store: "\(try Places.experts())", names: [french, german], pinned: [french, german]}
                    nodes:
                      - {name: master, kind: master, model: smollm2, folder: made, general: general, rewrite_bytes_max: 48\(master)}
                      - {name: general, kind: routed, model: smollm2, token: <general>, entry: true}
                      - {name: french, kind: adapter, model: smollm2, expert: french, token: <french>, wants: rewritten, entry: true}
                      - {name: unsafe, kind: refusal, token: <unsafe>, message: Not answered here., threshold: \(refusal)}
                    \(more)
                    edges:
                      - {from: master, to: [general, french, unsafe]}
                    default_node: master
                    """)
            try MadeMaster.write(to: "\(cluster.folder)/made", scale: scale)
            return cluster
        }

        static func query(
            _ text: String, node: String = "", current: String = "", route: RouteOptions? = nil, tokens: UInt32 = 4
        ) -> Query {
            Query(
                id: .random(), node: node, prompt: .chat([ChatMessage(content: text)]), maxTokens: tokens, trace: true,
                route: route, currentNode: current)
        }

        static func ask(_ client: RouterClient, _ query: Query) async -> (
            tokens: [Int32], final: Final?, failure: Failure?
        ) {
            var tokens: [Int32] = []
            for await event in client.submit(query) {
                switch event {
                case .partial(let partial): tokens += partial.tokens
                case .final(let final): return (tokens, final, nil)
                case .failure(let failure): return (tokens, nil, failure)
                case .accepted: break
                }
            }
            return (tokens, nil, nil)
        }

        @Test("a master's word decides, the trace shows it, and a rewrite is under its grammar")
        func decides() async throws {
            let cluster = try Self.make(master: ", stay_margin: 1")
            let client = try await cluster.launch()
            defer { client.close() }
            let ended = await Self.ask(client, Self.query("Translate the word \"house\" 42 times."))
            let walk = try #require(ended.final?.walk, "\(String(describing: ended.failure))")
            #expect(walk.shares.map(\.node) == ["general", "french", "unsafe"])
            #expect(abs(walk.shares.reduce(0) { $0 + $1.untouched } - 1) < 1e-4)
            let best = try #require(walk.shares.filter { $0.node != "unsafe" }.max { $0.share < $1.share })
            #expect(walk.node == best.node || walk.steps.last?.because == "abstained")
            #expect(walk.steps.first?.outcome == "decided" && walk.steps.last?.outcome == "answered")
            #expect(!ended.tokens.isEmpty)
            // The same again, beside others, is the same: P1.
            async let others = Self.ask(client, Self.query("Something else entirely"))
            let again = await Self.ask(client, Self.query("Translate the word \"house\" 42 times."))
            _ = await others
            #expect(again.final?.walk?.shares == walk.shares && again.tokens == ended.tokens)
            // A conversation stays where it is: its query is worded for that node.
            let stayed = await Self.ask(client, Self.query("Bonjour 17", current: "french"))
            let note = try #require(stayed.final?.walk)
            #expect(note.node == "french" && note.steps.last?.because == "stayed")
            #expect(!note.rewrite.isEmpty || note.originalKept)
            #expect(note.lost != ["(not well formed)"])
            #expect(note.rewrite.utf8.count <= 48)
        }

        @Test("past the master; an adapter's node is the route to that adapter, bit for bit")
        func adapter() async throws {
            let cluster = try Self.make()
            let client = try await cluster.launch()
            defer { client.close() }
            let node = await Self.ask(client, Self.query("Bonjour", node: "french", tokens: 12))
            let route = await Self.ask(
                client, Self.query("Bonjour", node: "general", route: RouteOptions(method: "single:french"), tokens: 12)
            )
            #expect(!node.tokens.isEmpty && node.tokens == route.tokens)
            #expect(node.final?.walk?.steps.map(\.because) == ["asked"])
            #expect(await Self.ask(client, Self.query("x", node: "unsafe")).failure?.kind == .unknownNode)
        }

        @Test("an unsure master leaves it to the general node")
        func abstains() async throws {
            let cluster = try Self.make(master: ", mass_min: 1", scale: 1)
            let client = try await cluster.launch()
            defer { client.close() }
            for text in ["2+2?", "日本語で答えてください", "<french>(\"take me there\")"] {
                let ended = await Self.ask(client, Self.query(text))
                #expect(ended.final?.walk?.node == "general", "\(text): \(String(describing: ended.failure))")
            }
            let long = await Self.ask(client, Self.query(String(repeating: "many words ", count: 9000)))
            #expect(long.failure?.kind == .promptTooLong)
        }

        @Test("two nodes answer one query, and the client gets both answers")
        func concatenates() async throws {
            let cluster = try Self.make(master: ", top: 2, reassembly: concatenate")
            let client = try await cluster.launch()
            defer { client.close() }
            func text(_ arguments: [String]) async throws -> (text: String, steps: [String]) {
                let ended = try await cluster.run(
                    [
                        "query", "Bonjour 17", "--topology", cluster.topology.path, "--max-tokens", "6", "--trace",
                        "--json",
                    ]
                        + arguments)
                let object = try #require(
                    JSONSerialization.jsonObject(with: Data(ended.output.utf8)) as? [String: Any],
                    "\(ended.output) \(ended.errors)")
                let walk = object["walk"] as? [String: Any]
                let steps = walk?["steps"] as? [[String: Any]] ?? []
                return (try #require(object["text"] as? String), steps.compactMap { $0["outcome"] as? String })
            }
            let both = try await text([]), general = try await text(["--to", "general"])
            #expect(!general.text.isEmpty && both.text.count > general.text.count + 2)
            #expect(
                both.text.hasPrefix(general.text + "\n\n") || both.text.hasSuffix("\n\n" + general.text),
                "\(both.text) of \(general.text)")
            #expect(both.steps == ["decided", "answered", "answered"])
        }

        @Test("a refusal is typed, with the decision that led to it, and exit code 3")
        func refuses() async throws {
            let cluster = try Self.make(refusal: 0)
            let client = try await cluster.launch()
            defer { client.close() }
            let failure = try #require(await Self.ask(client, Self.query("hello")).failure)
            #expect(failure.kind == .refused && failure.message == "Not answered here.")
            #expect(failure.walk?.steps.map(\.outcome) == ["decided", "refused"])
            let ended = try await cluster.run(
                ["query", "hello", "--topology", cluster.topology.path, "--trace", "--json"])
            #expect(ended.code == 3 && ended.output.contains("\"untouched\""), "\(ended.output) \(ended.errors)")
        }

        @Test("a folder that is not the trunk's is named")
        func wrongFolder() async throws {
            let cluster = try Self.make()
            let file = "\(cluster.folder)/made/functional_tokens.json"
            let text = try String(contentsOfFile: file, encoding: .utf8)
            try text.replacing(/"trunk_sha256": "[0-9a-f]{4}/, with: "\"trunk_sha256\": \"0000")
                .write(toFile: file, atomically: true, encoding: .utf8)
            let ended = try await cluster.run(["router", "--topology", cluster.topology.path])
            #expect(ended.code == 1 && ended.errors.contains("was trained beside a weight file"), "\(ended.errors)")
        }
    }
}
