import Client
import Foundation
import Messaging
import Testing
import Threading

extension ClusterTests {
    /// Promise P6: no open doors.
    @Suite("Keys over TCP") struct SecurityTests {
        @Test("listed keys work in their role; unlisted keys, garbage and silence get nothing and block nobody")
        func keys() async throws {
            let ports = try (0..<3).map { _ in try Endpoint.freePort() }
            let cluster = try TestCluster(
                workers: ["a"],
                router: """
                      front: tcp://127.0.0.1:\(ports[0])
                      control: tcp://127.0.0.1:\(ports[1])
                      statistics: tcp://127.0.0.1:\(ports[2])
                    """,
                extra: "security: {keys: keys/authorised.keys, server_key: keys/router.key, client_key: keys/me.key}",
                workerExtra: ", key: keys/a.key")
            let keys = try await makeKeys(cluster)
            let client = try await cluster.launch(security: keys.me)
            var reading = Reading(client.submit(Story.query(10)))
            _ = try await reading.answer()
            #expect(reading.tokens.count == 10)

            try await strangersGetNothing(cluster, keys)
            try await rolesHold(cluster, keys)
            try await nobodyIsBlocked(cluster, keys, ports)
            try await onlyOperatorsPublish(cluster, keys, client)
            #expect(try await client.status().state == "ready")
        }

        private struct Keys {
            let me, worker, boss, stranger: ConnectorSecurity
        }

        /// Makes the pairs as a person would, and lists all but the stranger's.
        private func makeKeys(_ cluster: TestCluster) async throws -> Keys {
            let folder = "\(cluster.folder)/keys"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
            var lines: [String] = []
            for (name, role) in [
                ("router", "client"), ("a", "worker"), ("me", "client"), ("boss", "operator"), ("stranger", "client"),
            ] {
                let made = try await cluster.run(["keygen", name, "--roles", role, "--folder", folder])
                try #require(made.code == 0, "\(made.errors)")
                if name != "router" && name != "stranger" { lines.append(made.output) }
            }
            try lines.joined(separator: "\n").write(
                toFile: "\(folder)/authorised.keys", atomically: true, encoding: .utf8)
            let server = try KeyFile.readPublic("\(folder)/router.pub")
            func connector(_ name: String) throws -> ConnectorSecurity {
                .curve(own: try KeyFile.readPair("\(folder)/\(name).key"), server: server)
            }
            return Keys(
                me: try connector("me"), worker: try connector("a"), boss: try connector("boss"),
                stranger: try connector("stranger"))
        }

        private func strangersGetNothing(_ cluster: TestCluster, _ keys: Keys) async throws {
            var options = ClientOptions()
            options.connectMilliseconds = 1000
            for security in [keys.stranger, .none] {
                await #expect(throws: ClientError.self) {
                    _ = try await RouterClient.connect(cluster.front, security: security, options: options)
                }
            }
        }

        private func rolesHold(_ cluster: TestCluster, _ keys: Keys) async throws {
            let hello = Envelope(.hello(Hello(worker: "b", incarnation: 1, capacity: 1, ready: true))).frames()
            let client = try RawPeer(cluster.control, security: keys.me)
            #expect(try await !client.send(hello, withinSeconds: 1), "a client's key opens the control socket")
            let worker = try RawPeer(cluster.control, security: keys.worker)
            #expect(try await worker.send(hello))
            #expect(try await worker.failure()?.kind == .forbidden, "a worker's key speaks for another worker")
        }

        private func onlyOperatorsPublish(
            _ cluster: TestCluster, _ keys: Keys, _ client: RouterClient
        ) async throws {
            let boss = try await RouterClient.connect(cluster.front, security: keys.boss)
            // This cluster has no experts: whoever gets past the door hears that.
            for (someone, kind) in [(client, FailureKind.forbidden), (boss, .invalidParameter)] {
                do {
                    _ = try await someone.change(ChangeExperts(id: .random(), change: .retire, expert: "french"))
                    Issue.record("an expert is retired where there is none")
                } catch { #expect(error.isRefusal(kind)) }
            }
        }

        /// The shape of CVE-2020-15166: connections that never finish a handshake.
        private func nobodyIsBlocked(_ cluster: TestCluster, _ keys: Keys, _ ports: [UInt16]) async throws {
            let garbage = [UInt8](repeating: 0xA5, count: 4096)
            let silent = try ports.map { try RawConnections(port: $0, count: 20, sending: []) }
            let loud = try ports.map { try RawConnections(port: $0, count: 20, sending: garbage) }
            let started = MonotonicClock.nowMicroseconds
            let late = try await RouterClient.connect(cluster.front, security: keys.me)
            var reading = Reading(late.submit(Story.query(10)))
            _ = try await reading.answer()
            #expect(milliseconds(since: started) < 3000)
            withExtendedLifetime((silent, loud)) {}
        }
    }
}

extension ClientError {
    fileprivate func isRefusal(_ kind: FailureKind) -> Bool {
        if case .refused(let failure) = self { failure.kind == kind } else { false }
    }
}
