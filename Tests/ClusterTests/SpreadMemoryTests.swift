import Client
import Foundation
import Messaging
import Testing
import Topology

extension ClusterTests {
    /// What each process of a spread mixture reads, and keeps in memory.
    @Suite("Processes of a spread mixture have their shares") struct SpreadMemoryTests {
        @Test("resident memory: experts take a worker their bytes within a tenth, and a trunk nothing")
        func resident() async throws {
            let size = RandomMixture.Size(hidden: 320, width: 640)
            // 40 experts and 8, 2.3 MiB each.
            let placement = "[{layers: 0-4, workers: [a]}, {layers: 5, workers: [b]}]"
            let spread = try SpreadCluster.make(["a", "b"], placement: placement, size: size)
            defer { spread.removeModel() }
            let spreadBytes = try await Self.residentBytes(spread)
            let local = try SpreadCluster.make([], placement: nil, size: size)
            defer { local.removeModel() }
            let localBytes = try await Self.residentBytes(local)
            // Of two processes alike but for that, so that what any process takes cancels out.
            for (what, bytes, experts) in [
                ("workers", try Self.difference(spreadBytes["a"], spreadBytes["b"]), 40 - 8),
                ("trunks", try Self.difference(localBytes["trunk"], spreadBytes["trunk"]), 48),
            ] {
                let ratio = Double(bytes) / Double(experts * size.expertBytes)
                #expect(abs(ratio - 1) < 0.1, "\(what): \(bytes >> 10) KiB for \(experts) experts, \(ratio)")
            }
        }

        /// By worker, after a text has been scored.
        private static func residentBytes(_ spread: SpreadCluster) async throws -> [String: Int] {
            let client = try await spread.cluster.launch()
            var reading = Reading(client.submit(SpreadCluster.score(64)))
            _ = try await reading.answer()
            // A heartbeat or two later.
            try await Task.sleep(for: .milliseconds(600))
            let workers = try await client.status().workers
            return Dictionary(uniqueKeysWithValues: workers.map { ($0.name, Int($0.residentBytes)) })
        }

        private static func difference(_ more: Int?, _ less: Int?) throws -> Int {
            try #require(more) - #require(less)
        }

        @Test(
            "a trunk that knows the file reads its own part: experts are proven by their workers, its own part by itself"
        )
        func content() async throws {
            let spread = try SpreadCluster.make(["a"], placement: "[{workers: [a]}]")
            defer { spread.removeModel() }
            let cluster = spread.cluster
            _ = try await cluster.launch()
            let file = "\(spread.model)/model.safetensors"
            let list = cluster.topology.paths.contentList(of: "mixture")
            #expect(FileManager.default.fileExists(atPath: list))
            // An expert that has changed while the file looks as it did: the worker computes with it, the trunk did not read it.
            try Self.end(cluster)
            let expert = try Self.flipByte(of: "model.layers.2.block_sparse_moe.experts.5.w1.weight", in: file)
            try cluster.start("router")
            try cluster.start("a")
            #expect(
                try await eventually(withinSeconds: 20) {
                    cluster.log("router").contains("expert worker a has another mixture/2.5")
                })
            // The trunk's own part has changed too: it sees that, and reads the file again.
            try Self.end(cluster)
            let before = try Data(contentsOf: URL(filePath: list))
            let own = try Self.flipByte(of: "model.layers.2.self_attn.q_proj.weight", in: file)
            #expect(expert != own)
            let client = try await cluster.launch()
            #expect(try Data(contentsOf: URL(filePath: list)) != before)
            var reading = Reading(client.submit(SpreadCluster.score(300)))
            #expect(try await reading.answer().score == spread.inProcess(300))
        }

        private static func end(_ cluster: TestCluster) throws {
            for name in ["a", "router"] { try cluster.kill(name) }
        }

        /// Changes the lowest bit of a tensor's first float, and gives the file back its time. Returns where.
        private static func flipByte(of tensor: String, in file: String) throws -> Int {
            let handle = try #require(FileHandle(forUpdatingAtPath: file))
            defer { try? handle.close() }
            var status = stat()
            try #require(stat(file, &status) == 0)
            let length = try #require(try handle.read(upToCount: 8)).enumerated().reduce(0) {
                $0 | Int($1.element) << (8 * $1.offset)
            }
            let header = try #require(try handle.read(upToCount: length))
            let entries = try #require(try JSONSerialization.jsonObject(with: header) as? [String: Any])
            let offsets = try #require((entries[tensor] as? [String: Any])?["data_offsets"] as? [Int])
            let place = 8 + length + offsets[0]
            try handle.seek(toOffset: UInt64(place))
            let byte = try #require(try handle.read(upToCount: 1)?.first)
            try handle.seek(toOffset: UInt64(place))
            try handle.write(contentsOf: Data([byte ^ 1]))
            try handle.synchronize()
            var times = [status.st_atim, status.st_mtim]
            try #require(utimensat(AT_FDCWD, file, &times, 0) == 0)
            return place
        }
    }
}
