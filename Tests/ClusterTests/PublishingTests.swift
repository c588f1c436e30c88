import Client
import Digest
import ExpertStore
import Foundation
import Messaging
import Testing
import Topology

extension ClusterTests {
    /// Experts that come and go while the cluster runs.
    @Suite("Publishing experts") struct PublishingTests {
        private static let four = ["french", "german", "python", "swift"]
        private static let halves = [("a", ["french", "german"]), ("b", ["python", "swift"])]

        private func answer(_ client: RouterClient, tokens: UInt32 = 16) async throws -> Reading {
            var reading = Reading(client.submit(RoutedCluster.query(tokens)))
            let final = try await reading.answer()
            #expect(final.attempt == 1 && final.missing.isEmpty)
            return reading
        }

        private func same(_ left: Reading, _ right: Reading) -> Bool {
            left.tokens == right.tokens && left.logprobs == right.logprobs
        }

        private func publish(
            _ name: String, folder: String? = nil, sha256: String? = nil, worker: String = ""
        ) throws -> ChangeExperts {
            let place = try folder ?? "\(Places.experts())/\(name)"
            let hash = try sha256 ?? ExpertCopy.hash(place)
            return ChangeExperts(
                id: .random(), change: .publish, expert: name, sha256: hash, folder: place, worker: worker)
        }

        private func retire(_ name: String) -> ChangeExperts {
            ChangeExperts(id: .random(), change: .retire, expert: name)
        }

        private func refusal(_ change: ChangeExperts, by client: RouterClient) async -> FailureKind? {
            do {
                _ = try await client.change(change)
                return nil
            } catch {
                guard case .refused(let failure) = error else { return nil }
                print("refused: \(failure)")
                return failure.kind
            }
        }

        @Test("published, the answers are those of a cluster that had it from the start; retired, those of before")
        func publishAndRetire() async throws {
            let five = try RoutedCluster.make(
                [("a", ["french", "german"]), ("b", ["python", "spanish", "swift"])], known: Self.four + ["spanish"])
            let after = try await answer(try await five.launch())
            let cluster = try RoutedCluster.make(Self.halves, known: Self.four)
            let client = try await cluster.launch()
            let before = try await answer(client)
            #expect(!same(before, after), "the expert makes no difference, so that this test shows nothing")

            // What runs goes on with the set it began with.
            let expected = try await answer(client, tokens: 60)
            var running = Reading(client.submit(RoutedCluster.query(60)))
            try await running.read(tokens: 4)
            let store = try Places.experts()
            let published = try await cluster.run([
                "expert", "publish", "\(store)/spanish", "--topology", cluster.topology.path, "--worker", "b",
            ])
            try #require(published.code == 0, "\(published.errors) \(cluster.log("router")) \(cluster.log("b"))")
            #expect(published.output.contains("spanish@d06b8f8bbd16 on b"))
            #expect(same(try await answer(client), after))
            _ = try await running.answer()
            #expect(same(running, expected))

            // And goes on with an expert that is retired meanwhile, and dropped by its worker.
            let expectedOfFive = try await answer(client, tokens: 60)
            var leaving = Reading(client.submit(RoutedCluster.query(60)))
            try await leaving.read(tokens: 4)
            let retired = try await cluster.run(["expert", "retire", "spanish", "--topology", cluster.topology.path])
            try #require(retired.code == 0, "\(retired.errors)")
            #expect(same(try await answer(client), before))
            let isDropped = try await eventually(withinSeconds: 5) {
                try await client.status().workers.first { $0.name == "b" }?.experts == ["python", "swift"]
            }
            #expect(isDropped, "the worker still holds what was retired")
            #expect(try await leaving.answer().missing.isEmpty)
            #expect(same(leaving, expectedOfFive))
        }

        @Test("what was published and retired outlives the router, and a worker that is killed")
        func restart() async throws {
            let cluster = try RoutedCluster.make(Self.halves, known: Self.four)
            var client = try await cluster.launch()
            let published = try await client.change(publish("spanish"))
            #expect(published.experts == ["french", "german", "python", "spanish", "swift"] && published.version == 1)
            let retired = try await client.change(retire("german"))
            #expect(retired.experts == ["french", "python", "spanish", "swift"] && retired.version == 2)
            let expected = try await answer(client)
            try cluster.kill(published.worker)
            try cluster.start(published.worker)
            try await cluster.waitUntilReady(client)
            #expect(same(try await answer(client), expected))
            // The router alone: workers that live on have what they had.
            try cluster.kill("router")
            try cluster.start("router")
            client = try await RouterClient.connect(cluster.front)
            try await cluster.waitUntilReady(client)
            #expect(same(try await answer(client), expected))
            for name in ["router", "a", "b"] { try cluster.kill(name) }
            client = try await cluster.launch()
            #expect(same(try await answer(client), expected))
            #expect(await refusal(try publish("spanish"), by: client) == .nameTaken)
        }

        @Test("a third version of the set has to wait for the first to end")
        func versions() async throws {
            let cluster = try RoutedCluster.make(Self.halves, known: Self.four)
            let client = try await cluster.launch()
            var first = Reading(client.submit(RoutedCluster.query(1000)))
            try await first.read(tokens: 2)
            _ = try await client.change(publish("spanish"))
            var second = Reading(client.submit(RoutedCluster.query(1000)))
            try await second.read(tokens: 2)
            #expect(await refusal(try publish("manual"), by: client) == .busy)
            let isUndone = try await eventually(withinSeconds: 5) {
                try await !client.status().workers.contains { $0.name != "trunk" && $0.experts.contains("manual") }
            }
            #expect(isUndone, "a worker keeps what was refused")
            try await first.read(tokens: 8)
            client.cancel(first.id)
            #expect(try await first.refusal() == .cancelled)
            let isTaken = try await eventually(withinSeconds: 5) {
                await refusal(try publish("manual"), by: client) == nil
            }
            #expect(isTaken)
            try await second.read(tokens: 8)
        }

        @Test("what does not fit is refused by kind, and the cluster answers as before")
        func refusals() async throws {
            let cluster = try RoutedCluster.make(Self.halves, known: Self.four, worker: ", megabytes: 11")
            let client = try await cluster.launch()
            let before = try await answer(client)
            func folder(_ name: String) throws -> String {
                let path = "\(cluster.folder)/\(name)"
                try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
                return path
            }
            let foreign = try ExpertCopy(of: "spanish", in: folder("foreign"))
            try foreign.rewrite(trunk: SHA256Digest(of: [1]))
            #expect(await refusal(try publish("spanish", folder: foreign.folder), by: client) == .unfitExpert)
            let gateless = try ExpertCopy(of: "spanish", in: folder("gateless"))
            try gateless.remove("phatgoose_gates.safetensors", "phatgoose_config.json")
            let roomy = try RoutedCluster.make([("a", [])], known: Self.four)
            let other = try await roomy.launch()
            #expect(await refusal(try publish("spanish", folder: gateless.folder), by: other) == .unfitExpert)
            #expect(try await answer(other).tokens == before.tokens)
            let unsound = try ExpertCopy(of: "spanish", in: folder("unsound"))
            try unsound.damage("phatgoose_gates.safetensors", with: [0, 0, 0xC0, 0x7F])
            try unsound.rewrite()
            #expect(await refusal(try publish("spanish", folder: unsound.folder), by: client) == .unfitExpert)
            let damaged = try ExpertCopy(of: "spanish", in: folder("damaged"))
            try damaged.damage("adapter_model.safetensors", with: [1, 2, 3, 4])
            #expect(await refusal(try publish("spanish", folder: damaged.folder), by: client) == .unfitExpert)
            let hash = String(repeating: "ab", count: 32)
            #expect(await refusal(try publish("spanish", sha256: hash), by: client) == .unfitExpert)
            #expect(await refusal(try publish("french"), by: client) == .nameTaken)
            #expect(await refusal(try publish("spanish", worker: "nobody"), by: client) == .noWorker)
            #expect(await refusal(retire("nobody"), by: client) == .unknownExpert)
            // Two of these take 9.4 MiB.
            #expect(await refusal(try publish("spanish", worker: "a"), by: client) == .workerFull)
            #expect(same(try await answer(client), before))
            let workers = try await client.status().workers
            #expect(workers.first { $0.name == "a" }?.experts == ["french", "german"])
        }

        private func score(_ tokens: [Int32], _ client: RouterClient) async throws -> Double {
            var reading = Reading(client.submit(Query(id: .random(), prompt: .tokens(tokens), score: true)))
            return try #require(try await reading.answer().score).meanNLL
        }

        @Test("a shadow changes no answer; what the statistics say of it is what comes true when it is promoted")
        func shadow() async throws {
            let cluster = try RoutedCluster.make(Self.halves, known: Self.four)
            let client = try await cluster.launch()
            let before = try await answer(client)
            var change = try publish("spanish")
            change.shadow = true
            let published = try await client.change(change)
            #expect(published.experts == Self.four && published.version == 1)
            #expect(try await client.statistics().shadows == [ShadowReport(model: "smollm2", expert: "spanish")])
            #expect(await refusal(retire("german"), by: client) == .busy)
            #expect(await refusal(try publish("spanish"), by: client) == .nameTaken)

            var reading = Reading(
                client.submit(Query(id: .random(), prompt: .tokens(before.tokens), maxTokens: 30)))
            _ = try await reading.answer()
            let isRehearsed = try await eventually(withinSeconds: 10) {
                try await client.statistics().shadows.first?.texts == 1
            }
            try #require(isRehearsed, "\(cluster.log("router"))")
            let report = try #require(try await client.statistics().shadows.first)
            print("shadow: \(report)")
            let text = before.tokens + reading.tokens
            #expect(report.tokens == UInt64(text.count - 1) && report.share > 0.001 && report.share < 1)
            #expect(report.liveRows > 0 && report.liveShare > 0 && report.liveShare < 1)
            let without = try await score(text, client)
            #expect(same(try await answer(client), before), "a shadow changes an answer")
            let shown = try await cluster.run(["stats", "--topology", cluster.topology.path])
            #expect(shown.output.contains("shadow spanish of smollm2: would win"))

            let promoted = try await cluster.run(["expert", "promote", "spanish", "--topology", cluster.topology.path])
            try #require(promoted.code == 0, "\(promoted.errors)")
            #expect(try await client.statistics().shadows.isEmpty)
            let with = try await score(text, client)
            #expect(abs(with - without - report.nllChange) < 1e-9, "\(with) \(without) \(report)")
            #expect(
                await refusal(ChangeExperts(id: .random(), change: .promote, expert: "spanish"), by: client)
                    == .unknownExpert)
        }

        @Test("a shadow outlives the router, and leaves without a trace")
        func shadowLeaves() async throws {
            let cluster = try RoutedCluster.make(Self.halves, known: Self.four)
            var client = try await cluster.launch()
            let before = try await answer(client)
            var change = try publish("spanish")
            change.shadow = true
            _ = try await client.change(change)
            // What it has done counts on after a restart.
            for texts in [UInt64(1), 2] {
                #expect(same(try await answer(client), before))
                let isRehearsed = try await eventually(withinSeconds: 10) {
                    try await client.statistics().shadows.first?.texts == texts
                }
                #expect(isRehearsed, "\(texts) texts were to be rehearsed")
                for name in ["router", "a", "b"] { try cluster.kill(name) }
                client = try await cluster.launch()
                #expect(try await client.statistics().shadows.first?.texts == texts)
            }
            #expect(try await client.change(retire("spanish")).experts == Self.four)
            #expect(try await client.statistics().shadows.isEmpty)
            #expect(same(try await answer(client), before))
        }

        @Test("a worker that says it holds what it does not have: refused, and the trunk keeps its set")
        func liar() async throws {
            let cluster = try RoutedCluster.make([("a", []), ("c", ["french"])], known: Self.four)
            try cluster.start("router")
            try cluster.start("a")
            let client = try await RouterClient.connect(cluster.front)
            let isServed = try await eventually(withinSeconds: 20) {
                try await client.status().workers.contains { $0.name == "trunk" && $0.state == "ready" }
            }
            try #require(isServed, "\(cluster.log("router"))")
            let before = try await answer(client)
            let liar = try RawPeer(cluster.control)
            var hello = Hello(
                worker: "c", incarnation: 1, numerics: "pairs-1", capacity: 1, ready: true,
                experts: [ExpertHolding(expert: "french", trunkSHA256: "aa", sha256: "bb")],
                data: DataEndpoint(address: "ipc://\(cluster.folder)/nobody"))
            #expect(try await liar.send(.hello(hello)))
            let isThere = try await eventually(withinSeconds: 5) {
                try await client.status().workers.contains { $0.name == "c" && $0.state == "ready" }
            }
            try #require(isThere)
            let change = try publish("spanish", worker: "c")
            async let outcome = refusal(change, by: client)
            var wanted: ArrangeExperts?
            _ = try await eventually(withinSeconds: 5) {
                while let envelope = try liar.next() {
                    if case .arrangeExperts(let arrangement) = envelope.message { wanted = arrangement }
                }
                return wanted != nil
            }
            let request = try #require(wanted?.request)
            hello.experts.append(
                ExpertHolding(
                    expert: "spanish", trunkSHA256: try #require(wanted?.trunkSHA256), sha256: change.sha256))
            #expect(try await liar.send(.hello(hello)))
            #expect(try await liar.send(.expertsArranged(ExpertsArranged(request: request))))
            #expect(await outcome == .unknownExpert)
            #expect(same(try await answer(client), before))
        }
    }
}

extension ExpertCopy {
    static func hash(_ folder: String) throws -> String { try ExpertManifest(folder: folder).contentHash.hex }
}
