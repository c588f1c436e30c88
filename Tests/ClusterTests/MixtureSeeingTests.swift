import Client
import Foundation
import Messaging
import Testing
import Topology

extension ClusterTests {
    /// A mixture of experts that a worker serves: what its layers chose and dropped is told.
    @Suite("Seeing what a mixture chose") struct MixtureSeeingTests {
        /// The small random Mixtral of InferenceTests (three layers, five experts, two of them per token), and 64 tokens of a letter each.
        private static func model(in folder: String) throws -> String {
            let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            let golden = tests.appending(path: "InferenceTests/Goldens/mixture/mixtral")
            let folder = URL(filePath: folder)
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            for name in ["config.json", "model.safetensors"] {
                try FileManager.default.copyItem(at: golden.appending(path: name), to: folder.appending(path: name))
            }
            let letters = (0x30..<0x70).map { String(UnicodeScalar(UInt8($0))).replacing("\\", with: "\\\\") }
            let vocabulary = letters.enumerated().map { "\"\($1)\": \($0)" }.joined(separator: ", ")
            let tokenizer = """
                {"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "use_regex": true},
                 "model": {"type": "BPE", "vocab": {\(vocabulary)}, "merges": []}}
                """
            try Data(tokenizer.utf8).write(to: folder.appending(path: "tokenizer.json"))
            return folder.appending(path: "model.safetensors").path
        }

        @Test("loads, pairs and drops by layer: summed over queries, as a table, a picture and JSON")
        func layers() async throws {
            let folder = "/tmp/skein-test-\(UUID().uuidString.prefix(8))"
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let cluster = try TestCluster(
                yaml: """
                    name: mixture
                    models:
                      - {name: tiny, file: "\(try Self.model(in: folder))", capacity: "colossal:0.5"}
                    workers:
                      - {name: a, models: [tiny], threads: 1}
                    """)
            let client = try await cluster.launch()
            let prompt = (0..<40).map { Int32($0 * 7 % 64) }
            var drops: [LayerDrops] = []
            for _ in 0..<2 {
                var reading = Reading(
                    client.submit(Query(id: .random(), node: "", prompt: .tokens(prompt), maxTokens: 6)))
                drops = try await reading.answer().drops
                #expect(reading.tokens.count == 6)
                #expect(drops.map(\.layer) == [0, 1, 2] && drops.allSatisfy { $0.choices == 80 })
            }
            // Of each query 40 prompt tokens and five of the answer: the sixth is never read.
            #expect(try await eventually(withinSeconds: 10) { (try? await client.routing())?.sites.first?.rows == 90 })
            let report = try await client.routing(model: "tiny")
            #expect(report.sites.map(\.site) == (0..<3).map { "model.layers.\($0).mlp" })
            #expect(report.experts == ["0", "1", "2", "3", "4"])
            for (site, own) in zip(report.sites, drops) {
                let mixture = try #require(site.mixture)
                // The two queries are one, asked twice.
                #expect(own.byRank.map { 2 * $0 } == mixture.droppedByRank)
                #expect(own.byPosition.map { 2 * $0 } == mixture.droppedByPosition)
                #expect(site.rows == 90 && site.chosen.reduce(0, +) == 180 && mixture.together.reduce(0, +) == 90)
                // C = 8 rows of 40 tokens: at most 40 of 80 choices find a slot.
                #expect(mixture.capacityChoices == 160 && mixture.droppedByRank.reduce(0, +) >= 80)
                #expect(mixture.droppedByPosition.reduce(0, +) == mixture.droppedByRank.reduce(0, +))
                #expect(mixture.costs == [UInt64](repeating: 3 * 16 * 32, count: 5))
            }
            let plot = "\(folder)/load.svg"
            let stats = ["stats", "--topology", cluster.topology.path, "--site", "*"]
            let table = try await cluster.run(stats + ["--plot", plot])
            #expect(table.code == 0 && table.output.contains("max/mean") && table.output.contains("layers.2.mlp"))
            #expect(try String(contentsOfFile: plot, encoding: .utf8).contains("load of each mixture layer"))
            let json = try await cluster.run(stats + ["--json"])
            #expect(json.output.contains("normalisedEntropy") && json.output.contains("droppedByPosition"))
        }

        @Test("a capacity for a model without mixture layers is refused when the worker starts")
        func withoutLayers() async throws {
            let cluster = try TestCluster(
                yaml: """
                    name: mixture
                    models:
                      - {name: smollm2, file: "\(try Places.model())", capacity: "colossal:1.25"}
                    workers:
                      - {name: a, models: [smollm2], threads: 1}
                    """)
            let ended = try await cluster.run(["worker", "--name", "a", "--topology", cluster.topology.path])
            #expect(ended.code == 1)
            #expect(ended.errors.contains("no mixture layers"), "\(ended.errors)")
        }
    }
}
