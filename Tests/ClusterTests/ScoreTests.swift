import Client
import Foundation
import Messaging
import Testing
import Topology

extension ClusterTests {
    /// Promise P1, to the last bit of every logit: one fingerprint, wherever the experts are and whatever happens.
    @Suite("Scores through clusters") struct ScoreTests {
        @Test("all local, one worker, two, replicas, cacheable: one fingerprint")
        func placements() async throws {
            let text = Domains.text(lines: 6)
            var expected: Score?
            let placements: [(String, [(String, [String])], pinned: [String], cacheable: [String])] = [
                ("all local", [], RoutedCluster.names, []),
                ("one worker", [("a", [])], [], []),
                ("two workers", RoutedCluster.halves, [], []),
                ("replicas", [("a", []), ("b", [])], [], []),
                ("cacheable", RoutedCluster.halves, [], RoutedCluster.names),
            ]
            for (name, workers, pinned, cacheable) in placements {
                let cluster = try RoutedCluster.make(workers, pinned: pinned, cacheable: cacheable, cacheMegabytes: 16)
                let client = try await cluster.launch()
                let local: Score
                if let expected { local = expected } else { local = try await Domains.inProcess(text, cluster) }
                expected = local
                // A second time with what the first has brought beside the trunk.
                for _ in 0..<(cacheable.isEmpty ? 1 : 2) {
                    var reading = Reading(client.submit(Domains.query(text)))
                    let final = try await reading.answer()
                    #expect(final.score == local, "\(name)")
                    #expect(final.finishReason == .scored && final.usage.generatedTokens == 0 && final.missing.isEmpty)
                    // Long enough to be heard of: between two looks at the plan.
                    _ = try await Reading.all([RoutedCluster.query(16)], through: client)
                }
                #expect(cluster.log("router").contains("comes beside the trunk") != cacheable.isEmpty)
            }
        }

        @Test("alone and among 15 others: one fingerprint")
        func company() async throws {
            let text = Domains.text(lines: 4)
            let cluster = try RoutedCluster.make(RoutedCluster.halves, capacity: 16)
            let client = try await cluster.launch()
            var alone = Reading(client.submit(Domains.query(text)))
            let expected = try await alone.answer().score
            let methods = ["phatgoose", "single:german", "off", "arrow", "merged"]
            let others = (0..<15).map { index in
                let route = RouteOptions(method: methods[index % 5])
                return index % 3 == 0
                    ? client.submit(Domains.query(Domains.text(lines: 1 + index % 4), route: route))
                    : client.submit(
                        Query(id: .random(), prompt: .text("\(index) 1 2 3"), maxTokens: 24, route: route))
            }
            var together = Reading(client.submit(Domains.query(text)))
            let score = try await together.answer().score
            #expect(score == expected && score != nil)
            var scores: Set<[UInt8]> = []
            for stream in others {
                var other = Reading(stream)
                if let score = try await other.answer().score { scores.insert(score.logitsSHA256) }
            }
            #expect(scores.count == 5, "different texts and routes have different fingerprints")
        }

        @Test("kill -9 of an expert worker mid-run, with a replica: one fingerprint, in one attempt")
        func kill() async throws {
            let text = Domains.text(lines: 30)
            let cluster = try RoutedCluster.make([("a", []), ("b", [])])
            let client = try await cluster.launch()
            var calm = Reading(client.submit(Domains.query(text)))
            let expected = try await calm.answer()
            for victim in ["a", "b"] {
                var reading = Reading(client.submit(Domains.query(text)))
                #expect(try await eventually(withinSeconds: 10) { try await cluster.inFlight(client) == 1 })
                try await Task.sleep(for: .milliseconds(300))
                try #require(try await cluster.inFlight(client) == 1, "it was over before the kill")
                try cluster.kill(victim)
                let final = try await reading.answer()
                #expect(final.score == expected.score && final.attempt == 1 && final.missing.isEmpty)
                #expect(cluster.log("router").contains("expert worker \(victim) is gone"))
                try cluster.start(victim)
                try await cluster.waitUntilReady(client)
            }
        }

        @Test("kill -9 of a model worker mid-run: another begins again, one fingerprint")
        func killModelWorker() async throws {
            let text = Domains.text(lines: 30)
            let cluster = try TestCluster(workers: ["a", "b"])
            let client = try await cluster.launch()
            var calm = Reading(client.submit(Domains.query(text, route: nil)))
            let expected = try await calm.answer()
            var reading = Reading(client.submit(Domains.query(text, route: nil)))
            #expect(try await eventually(withinSeconds: 10) { try await cluster.inFlight(client) == 1 })
            try await Task.sleep(for: .milliseconds(100))
            try cluster.kill(try await cluster.busyWorker(client))
            let final = try await reading.answer()
            #expect(final.score == expected.score && final.attempt == 2)
            let (code, output, errors) = try await cluster.run(
                ["score", "--topology", cluster.topology.path, "--text-file", Domains.file(text, cluster), "--json"])
            try #require(code == 0, "\(errors)")
            #expect(try Domains.read(output) == expected.score)
        }

        @Test("a score with what only answers have is the client's mistake")
        func mistakes() async throws {
            let cluster = try TestCluster(workers: ["a"])
            let client = try await cluster.launch()
            var wrong = [Query](repeating: Domains.query("1 2 3", route: nil), count: 4)
            wrong[0].maxTokens = 4
            wrong[1].stop = ["x"]
            wrong[2].topLogprobs = 1
            wrong[3].prompt = .tokens([5])
            for var query in wrong {
                query.id = .random()
                var reading = Reading(client.submit(query))
                let kind = try await reading.refusal()
                #expect(kind == .invalidParameter, "\(query)")
            }
        }
    }
}

/// A text of several domains, so that tokens go to several experts.
enum Domains {
    private static let all = [
        "Once upon a time a flock of geese flew south for the winter.",
        "def area(radius):\n    return 3.14159 * radius ** 2",
        "Le vieux moulin tourne lentement au bord de la rivière.",
        "And he said unto them, Go ye into the city, and he shall meet you.",
        "Der Zug nach Hamburg fährt heute von Gleis sieben ab.",
        "let names = people.map(\\.name).sorted()",
        "La niña abrió la ventana y miró las montañas nevadas.",
        "See also: chmod(1), umask(2). The exit status is 0 on success.",
    ]

    static func text(lines: Int) -> String { (0..<lines).map { all[$0 % all.count] }.joined(separator: "\n") }

    static func query(_ text: String, route: RouteOptions? = RouteOptions(method: "phatgoose")) -> Query {
        Query(id: .random(), prompt: .text(text), trace: true, route: route, score: true)
    }

    static func file(_ text: String, _ cluster: TestCluster) throws -> String {
        let file = "\(cluster.folder)/text-\(text.utf8.count).txt"
        try text.write(toFile: file, atomically: true, encoding: .utf8)
        return file
    }

    /// What `skein score` says without a cluster.
    static func inProcess(_ text: String, _ cluster: TestCluster) async throws -> Score {
        let (code, output, errors) = try await cluster.run([
            "score", "--model", try Places.model(), "--experts", try Places.experts(), "--route", "phatgoose",
            "--text-file", try file(text, cluster), "--json",
        ])
        try #require(code == 0, "\(errors)")
        return try read(output)
    }

    static func read(_ output: String) throws -> Score {
        struct Line: Decodable {
            let meanNLL: Double
            let tokens: UInt32
            let logitsSHA256: String
        }
        let line = try JSONDecoder().decode(Line.self, from: Data(output.utf8))
        let digits = Array(line.logitsSHA256)
        let bytes = stride(from: 0, to: digits.count, by: 2).compactMap {
            UInt8(String(digits[$0...$0 + 1]), radix: 16)
        }
        return Score(meanNLL: line.meanNLL, tokens: line.tokens, logitsSHA256: bytes)
    }
}
