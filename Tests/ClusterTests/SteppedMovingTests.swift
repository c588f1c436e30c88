import Client
import Foundation
import Messaging
import Testing
import Topology

extension ClusterTests {
    /// Moves of a mixture's experts that take several steps, or come to nothing: promises P1, P2, P4 and P5.
    @Suite("Experts of a mixture move step by step") struct SteppedMovingTests {
        @Test(
            "two full workers swap all their experts while a score runs, a few at a time: one fingerprint, in one attempt"
        )
        func fullWorkers() async throws {
            // 24 experts of 72 KiB are 1.7 of 2 MiB; on the way an eighth more is allowed.
            let spread = try SpreadCluster.make(["a", "b"], placement: SpreadCluster.byExpert, megabytes: 2)
            defer { spread.removeModel() }
            let cluster = spread.cluster
            let client = try await cluster.launch()
            let expected = try await spread.inProcess(7500)
            var reading = Reading(client.submit(SpreadCluster.score(7500)))
            #expect(try await eventually(withinSeconds: 10) { try await cluster.inFlight(client) == 1 })
            let moved = try await spread.place(SpreadCluster.swapped, instead: SpreadCluster.byExpert)
            #expect(moved.code == 0, "\(moved.errors)")
            // 8 more at most beside 24: three times at least.
            #expect(spread.rounds().count >= 3)
            let final = try await reading.answer()
            #expect(final.score == expected && final.attempt == 1 && final.missing.isEmpty)
            let wanted = ["a": SpreadCluster.names(4...7), "b": SpreadCluster.names(0...3)]
            #expect(try await eventually(withinSeconds: 5) { try await SpreadCluster.held(client) == wanted })
        }

        @Test("no request that runs waits longer than a step: no round of the trunk finds an expert open nowhere")
        func noStall() async throws {
            let spread = try SpreadCluster.make(["a", "b"], placement: SpreadCluster.byExpert, megabytes: 2)
            defer { spread.removeModel() }
            let client = try await spread.cluster.launch()
            var old = SpreadCluster.byExpert
            var reading = Reading(client.submit(SpreadCluster.query(8000)))
            try await reading.read(tokens: 5)
            for next in [SpreadCluster.swapped, old] {
                let moved = try await spread.place(next, instead: old)
                #expect(moved.code == 0, "\(moved.errors)")
                old = next
            }
            try #require(try await spread.cluster.inFlight(client) == 1, "it was over before the experts had moved")
            let rounds = spread.rounds()
            let (first, last) = (try #require(rounds.first), try #require(rounds.last))
            // A step makes one round at each layer; the request went on meanwhile, and was held up for one step at most.
            #expect(last.made - first.made > RandomMixture.layers, "\(rounds)")
            #expect(last.delayed - first.delayed <= RandomMixture.layers, "\(rounds)")
            client.cancel(reading.id)
        }

        @Test(
            "kill -9 of a worker in the middle of a move: refused as lost at once, and the others serve on and go back")
        func killedMidMove() async throws {
            let before = "[{experts: 0-3, workers: [a, c]}, {experts: 4-7, workers: [b, c]}]"
            let spread = try SpreadCluster.make(["a", "b", "c"], placement: before)
            defer { spread.removeModel() }
            let cluster = spread.cluster
            let client = try await cluster.launch()
            let expected = try await spread.inProcess(7500)
            let held = try await SpreadCluster.held(client)
            var reading = Reading(client.submit(SpreadCluster.score(7500)))
            #expect(try await eventually(withinSeconds: 10) { try await cluster.inFlight(client) == 1 })
            let after = "[{experts: 0-3, workers: [b, c]}, {experts: 4-7, workers: [a, c]}]"
            try spread.edit(after, instead: before)
            // It will not answer what it is asked to hold.
            try cluster.process("b").signal(SIGSTOP)
            let command = try RunningProcess(
                ["expert", "place", "--topology", cluster.topology.path], folder: cluster.folder)
            #expect(
                try await eventually(withinSeconds: 10) {
                    try await SpreadCluster.held(client)["a"] == SpreadCluster.names(0...7)
                })
            try cluster.kill("b")
            // Far below the patience with one that is there and does not answer (45 s).
            #expect(try await command.ending(withinSeconds: 10) == 1)
            #expect(command.errors.contains("worker b is gone"), "\(command.errors)")
            let final = try await reading.answer()
            #expect(final.score == expected && final.missing.isEmpty)
            #expect(try await eventually(withinSeconds: 5) { try await SpreadCluster.held(client)["a"] == held["a"] })
            // A worker that starts reads the topology.
            try spread.edit(before, instead: after)
            try cluster.start("b")
            try await cluster.waitUntilReady(client)
            #expect(try await SpreadCluster.held(client) == held)
            var again = Reading(client.submit(SpreadCluster.score(300)))
            #expect(try await again.answer().score == spread.inProcess(300))
        }
    }
}
