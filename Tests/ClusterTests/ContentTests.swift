import Client
import Foundation
import Messaging
import Testing
import Topology

extension ClusterTests {
    /// Experts whose files travel: operator, router and worker have no folder in common.
    @Suite("The content of experts over the wire") struct ContentTests {
        private static let near = ["french", "german", "python"]

        /// Worker `far` runs with a topology and a store of its own, as on another machine.
        private func scattered() async throws -> (cluster: TestCluster, client: RouterClient, far: String) {
            let control = try Endpoint.freePort(), data = try Endpoint.freePort()
            let cluster = try RoutedCluster.make(
                [("near", Self.near), ("far", ["swift"])], extra: "security: {insecure: true}",
                data: ["far": "host: remote, key: FOLDER/far.key, data: \"tcp://127.0.0.1:\(data)\""], control: control,
                known: Self.near + ["swift"])
            _ = try KeyFile.generate(name: "far", folder: cluster.folder)
            let far = "\(cluster.folder)/far"
            try FileManager.default.createDirectory(atPath: "\(far)/store", withIntermediateDirectories: true)
            try FileManager.default.copyItem(atPath: "\(Places.experts())/swift", toPath: "\(far)/store/swift")
            let yaml = try String(contentsOfFile: cluster.topology.path, encoding: .utf8)
            try yaml.replacing(try Places.experts(), with: "\(far)/store").write(
                toFile: "\(far)/t.yaml", atomically: true, encoding: .utf8)
            try cluster.start("router")
            try cluster.start("near")
            try cluster.start("far", topology: "\(far)/t.yaml")
            let client = try await RouterClient.connect(cluster.front)
            try await cluster.waitUntilReady(client)
            return (cluster, client, far)
        }

        private func answer(_ client: RouterClient) async throws -> Reading {
            var reading = Reading(client.submit(RoutedCluster.query(16)))
            #expect(try await reading.answer().missing.isEmpty)
            return reading
        }

        private func change(_ name: String, sha256: String? = nil) throws -> ChangeExperts {
            ChangeExperts(
                id: .random(), change: .publish, expert: name,
                sha256: try sha256 ?? ExpertCopy.hash("\(Places.experts())/\(name)"), folder: "/nowhere/\(name)",
                worker: "far")
        }

        @Test(
            "published from a folder that only the operator has, held by a worker that shares none; lost experts travel too"
        )
        func travels() async throws {
            let expected = try await wholeAnswer()
            let (cluster, client, far) = try await scattered()
            try await publishSpanish(cluster, client, far)
            let after = try await answer(client)
            #expect(after.tokens == expected.tokens && after.logprobs == expected.logprobs)

            // The experts of a worker that is lost come from the router's store.
            try await lose("near", cluster, client)
            let alone = try await answer(client)
            #expect(alone.tokens == expected.tokens && alone.logprobs == expected.logprobs)
        }

        @Test("what came once is there after both holders have begun again, without the operator")
        func staysAfterRestart() async throws {
            let expected = try await wholeAnswer()
            let (cluster, client, far) = try await scattered()
            try await publishSpanish(cluster, client, far)
            try await lose("near", cluster, client)
            try cluster.kill("far")
            try cluster.start("near")
            try cluster.start("far", topology: "\(far)/t.yaml")
            try await cluster.waitUntilReady(client)
            let again = try await answer(client)
            #expect(again.tokens == expected.tokens && again.logprobs == expected.logprobs)
        }

        /// Of a cluster that has all five experts on one worker from the start.
        private func wholeAnswer() async throws -> Reading {
            let whole = try RoutedCluster.make([("a", [])], known: Self.near + ["spanish", "swift"])
            return try await answer(try await whole.launch())
        }

        private func publishSpanish(_ cluster: TestCluster, _ client: RouterClient, _ far: String) async throws {
            let store = try Places.experts(), hash = try ExpertCopy.hash("\(store)/spanish")
            let changed = try await client.change(try change("spanish"), content: "\(store)/spanish")
            #expect(changed.worker == "far" && changed.experts == Self.near + ["spanish", "swift"])
            for place in [cluster.folder, far] {
                let copy = "\(place)/.skein/routed/content/\(hash)/spanish/adapter_model.safetensors"
                #expect(
                    FileManager.default.contentsEqual(
                        atPath: copy, andPath: "\(store)/spanish/adapter_model.safetensors"))
            }
        }

        /// Until `far` has what the lost worker held.
        private func lose(_ worker: String, _ cluster: TestCluster, _ client: RouterClient) async throws {
            try cluster.kill(worker)
            let isReloaded = try await eventually(withinSeconds: 20) {
                try await client.status().workers.first { $0.name == "far" }?.experts.count == 5
            }
            try #require(isReloaded, "\(cluster.log("router"))")
        }

        @Test("contents that no version of the set names are cleaned on both machines; those that it names stay")
        func cleaning() async throws {
            let (cluster, client, far) = try await scattered()
            try await publishSpanish(cluster, client, far)
            let spanish = try ExpertCopy.hash("\(try Places.experts())/spanish"),
                other = String(repeating: "0f", count: 32)
            let stores = [cluster.folder, far].map { "\($0)/.skein/routed/content" }
            for store in stores {
                try FileManager.default.createDirectory(
                    atPath: "\(store)/\(other)/x", withIntermediateDirectories: true)
                for hash in [spanish, other] {
                    try FileManager.default.setAttributes(
                        [.modificationDate: Date(timeIntervalSinceNow: -1e6)], ofItemAtPath: "\(store)/\(hash)")
                }
            }
            try cluster.kill("router")
            try cluster.start("router")
            let second = try await RouterClient.connect(cluster.front)
            for store in stores {
                let isClean = try await eventually(withinSeconds: 20) {
                    !FileManager.default.fileExists(atPath: "\(store)/\(other)")
                }
                #expect(isClean, "\(store)")
            }
            try await cluster.waitUntilReady(second)
            _ = try await answer(second)
            for store in stores { #expect(FileManager.default.fileExists(atPath: "\(store)/\(spanish)"), "\(store)") }
        }

        @Test("content that is not there, or is another's, is refused; the cluster answers as before")
        func refusals() async throws {
            let (cluster, client, _) = try await scattered()
            defer { withExtendedLifetime(cluster) {} }
            let before = try await answer(client)
            let store = try Places.experts()
            for (change, content) in [
                (try change("spanish"), "/nowhere/else"),
                (try change("spanish"), "\(store)/manual"),
                (try change("spanish", sha256: String(repeating: "ab", count: 32)), "\(store)/spanish"),
            ] {
                do {
                    _ = try await client.change(change, content: content)
                    Issue.record("\(content) was taken for \(change.sha256)")
                } catch {
                    guard case .refused(let failure) = error else { throw error }
                    print("refused: \(failure)")
                    #expect(failure.kind == .unfitExpert)
                }
            }
            let after = try await answer(client)
            #expect(after.tokens == before.tokens && after.logprobs == before.logprobs)
            #expect(try await client.change(try change("spanish"), content: "\(store)/spanish").version == 1)
        }
    }
}
