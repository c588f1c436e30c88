import Client
import Foundation
import Messaging
import Testing
import Topology

extension ClusterTests {
    /// Experts of mixture layers that move while requests run: promises P1 and P4.
    @Suite("Experts of a mixture move") struct MovingTests {
        @Test(
            "swapped, merged and split while a score runs: one fingerprint, in one attempt, and nobody keeps what moved"
        )
        func midRun() async throws {
            let spread = try SpreadCluster.make(["a", "b"], placement: SpreadCluster.byExpert)
            defer { spread.removeModel() }
            let cluster = spread.cluster
            let client = try await cluster.launch()
            let expected = try await spread.inProcess(7500)
            var old = SpreadCluster.byExpert
            for (next, a, b) in [
                (SpreadCluster.swapped, 4...7, 0...3), (SpreadCluster.everywhere, 0...7, 0...7), (old, 0...3, 4...7),
            ] {
                var reading = Reading(client.submit(SpreadCluster.score(7500)))
                #expect(try await eventually(withinSeconds: 10) { try await cluster.inFlight(client) == 1 })
                let moved = try await spread.place(next, instead: old)
                #expect(moved.code == 0, "\(moved.errors)")
                try #require(try await cluster.inFlight(client) == 1, "it was over before the experts had moved")
                old = next
                let final = try await reading.answer()
                #expect(final.score == expected && final.attempt == 1 && final.missing.isEmpty)
                let wanted = ["a": SpreadCluster.names(a), "b": SpreadCluster.names(b)]
                #expect(try await eventually(withinSeconds: 5) { try await SpreadCluster.held(client) == wanted })
                var again = Reading(client.submit(SpreadCluster.score(300)))
                #expect(try await again.answer().score == spread.inProcess(300))
            }
        }

        @Test("an answer that is generated meanwhile has the tokens and the logprobs of a calm one")
        func decoding() async throws {
            let spread = try SpreadCluster.make(["a", "b"], placement: SpreadCluster.byExpert)
            defer { spread.removeModel() }
            let client = try await spread.cluster.launch()
            var calm = Reading(client.submit(SpreadCluster.query(4000)))
            _ = try await calm.answer()
            var reading = Reading(client.submit(SpreadCluster.query(4000)))
            try await reading.read(tokens: 5)
            let moved = try await spread.place(SpreadCluster.swapped, instead: SpreadCluster.byExpert)
            #expect(moved.code == 0, "\(moved.errors)")
            try #require(try await spread.cluster.inFlight(client) == 1, "it was over before the experts had moved")
            let final = try await reading.answer()
            #expect(reading.tokens == calm.tokens && reading.logprobs == calm.logprobs)
            #expect(final.attempt == 1 && final.missing.isEmpty)
        }

        @Test("expert place --plan does what stats --plan shows; worker and router keep it over their restarts")
        func planned() async throws {
            let spread = try SpreadCluster.make(["a", "b"], placement: SpreadCluster.byExpert)
            defer { spread.removeModel() }
            let cluster = spread.cluster
            var client = try await cluster.launch()
            let expected = try await spread.inProcess(700)
            var reading = Reading(client.submit(SpreadCluster.score(700)))
            #expect(try await reading.answer().score == expected)
            let plan = try await spread.plan()
            #expect(plan.layers.contains { $0.planned != $0.now })
            let (code, output, errors) = try await cluster.run([
                "expert", "place", "--plan", "--topology", cluster.topology.path,
            ])
            #expect(code == 0 && output.contains("version 1"), "\(errors)")
            var wanted: [String: Set<String>] = [:]
            for layer in plan.layers {
                for (worker, experts) in layer.planned {
                    wanted[worker, default: []].formUnion(experts.map { "mixture/\(layer.layer).\($0)" })
                }
            }
            #expect(try await eventually(withinSeconds: 5) { try await SpreadCluster.held(client) == wanted })
            try cluster.kill("b")
            try cluster.start("b")
            try await cluster.waitUntilReady(client)
            #expect(try await SpreadCluster.held(client) == wanted)
            try cluster.kill("router")
            try cluster.start("router")
            client = try await RouterClient.connect(cluster.front)
            try await cluster.waitUntilReady(client)
            #expect(try await eventually(withinSeconds: 5) { try await SpreadCluster.held(client) == wanted })
            var again = Reading(client.submit(SpreadCluster.score(700)))
            #expect(try await again.answer().score == expected)
        }

        @Test(
            "refused by name, and everything stays as it was: an expert nowhere, no such worker or expert, no room, no file"
        )
        func refusals() async throws {
            let spread = try SpreadCluster.make(["a", "b"], placement: SpreadCluster.byExpert, megabytes: 2)
            defer { spread.removeModel() }
            let client = try await spread.cluster.launch()
            let expected = try await spread.inProcess(300)
            let before = ["a": SpreadCluster.names(0...3), "b": SpreadCluster.names(4...7)]
            let moving = "mixture/0.7"
            func refusal(_ after: [String: Set<String>], _ model: String = "") async throws -> (FailureKind, String)? {
                do {
                    _ = try await client.change(
                        ChangeExperts(id: .random(), change: .place, model: model, shares: SpreadCluster.shares(after)))
                    return nil
                } catch {
                    guard case .refused(let failure) = error else { throw error }
                    return (failure.kind, failure.message)
                }
            }
            let nowhere = try await refusal(["a": SpreadCluster.names(0...3), "b": SpreadCluster.names(4...6)])
            #expect(nowhere?.0 == .invalidParameter && nowhere?.1.contains("expert 7 of layer 0 is nowhere") == true)
            let nobody = try await refusal(["a": SpreadCluster.names(0...3), "c": SpreadCluster.names(4...7)])
            #expect(nobody?.0 == .noWorker && nobody?.1.contains("ready are a, b") == true)
            let idle = try await refusal(["a": SpreadCluster.names(0...7)])
            #expect(idle?.0 == .invalidParameter && idle?.1.contains("b would be left") == true)
            let unknown = try await refusal([
                "a": SpreadCluster.names(0...3).union(["mixture/9.9"]), "b": SpreadCluster.names(4...7),
            ])
            #expect(unknown?.0 == .unknownExpert)
            #expect(try await refusal(before, "other")?.0 == .invalidParameter)
            // 24 experts of 72 KiB fit into 2 MiB, 36 do not.
            let full = try await refusal(["a": SpreadCluster.names(0...5), "b": SpreadCluster.names(6...7)])
            #expect(full?.0 == .workerFull && full?.1.contains("megabytes: 2") == true, "\(String(describing: full))")
            #expect(try await SpreadCluster.held(client) == before)
            try FileManager.default.moveItem(atPath: spread.model, toPath: spread.model + ".away")
            let gone = try await refusal([
                "a": SpreadCluster.names(0...3).union([moving]), "b": SpreadCluster.names(4...7),
            ])
            #expect(gone?.0 == .unfitExpert && gone?.1.contains(spread.model) == true)
            try FileManager.default.moveItem(atPath: spread.model + ".away", toPath: spread.model)
            #expect(try await SpreadCluster.held(client) == before)
            var reading = Reading(client.submit(SpreadCluster.score(300)))
            #expect(try await reading.answer().score == expected)
            // Nothing of all that is left in the way.
            #expect(
                try await refusal(["a": SpreadCluster.names(0...3).union([moving]), "b": SpreadCluster.names(4...7)])
                    == nil)
            #expect(
                try await eventually(withinSeconds: 5) {
                    try await SpreadCluster.held(client)["a"]?.contains(moving) == true
                })
        }

        @Test("a worker whose file has other weights under an expert's name is refused for it, and keeps what it has")
        func otherWeights() async throws {
            let other = "/tmp/skein-other-\(UUID().uuidString.prefix(8))"
            try RandomMixture.write(to: other, changed: (layer: 2, expert: 5))
            defer { try? FileManager.default.removeItem(atPath: other) }
            let spread = try SpreadCluster.make(
                ["a", "b"], placement: "[{experts: 0-3, workers: [b]}, {experts: 4-7, workers: [a]}]",
                files: ["b": other])
            defer { spread.removeModel() }
            let client = try await spread.cluster.launch()
            do {
                _ = try await client.change(
                    ChangeExperts(
                        id: .random(), change: .place,
                        shares: SpreadCluster.shares(["a": SpreadCluster.names(0...3), "b": SpreadCluster.names(4...7)])
                    ))
                Issue.record("it was taken")
            } catch {
                guard case .refused(let failure) = error else { throw error }
                #expect(failure.kind == .unfitExpert && failure.message.contains("another expert 5 of layer 2"))
            }
            let before = ["a": SpreadCluster.names(4...7), "b": SpreadCluster.names(0...3)]
            #expect(try await eventually(withinSeconds: 5) { try await SpreadCluster.held(client) == before })
            var reading = Reading(client.submit(SpreadCluster.score(300)))
            #expect(try await reading.answer().score == spread.inProcess(300))
        }
    }
}
