import Foundation
import Messaging
import Testing
import Topology

extension ClusterTests {
    @Suite("Exit codes and messages of the commands") struct CommandTests {
        @Test("2 for usage, 3 for what is refused or not there")
        func refusals() async throws {
            let cluster = try TestCluster(workers: ["a"])
            let alone = try await cluster.run(["query", "hello", "--topology", cluster.topology.path])
            #expect(alone.code == 3, "no router: \(alone.errors)")
            for arguments in [["query", "hello", "--json"], ["query", "--json"]] {
                let object = try await cluster.run(arguments + ["--topology", cluster.topology.path])
                let kind = arguments.count == 3 ? "refused" : "usage"
                #expect(object.output.contains("{\"failure\":{\"kind\":\"\(kind)\""), "\(object.output)")
            }
            let paths = cluster.topology.paths
            try FileManager.default.createDirectory(atPath: paths.state, withIntermediateDirectories: true)
            try Data("worker a ended too often".utf8).write(to: URL(filePath: paths.lastEndFile))
            let ended = try await cluster.run(["query", "hello", "--topology", cluster.topology.path])
            #expect(ended.errors.contains("worker a ended too often"), "\(ended.errors)")
            try FileManager.default.removeItem(atPath: paths.lastEndFile)
            _ = try await cluster.launch()
            let topology = ["--topology", cluster.topology.path]
            let unknown = try await cluster.run(["query", "hello", "--to", "nowhere"] + topology)
            #expect(unknown.code == 3)
            #expect(unknown.errors.contains("nowhere") && unknown.errors.contains("smollm2"), "\(unknown.errors)")
            for arguments in [["query"] + topology, ["frobnicate"], ["query", "x", "--max-tokens", "0"] + topology] {
                #expect(try await cluster.run(arguments).code == 2, "\(arguments)")
            }
        }

        @Test("a missing model is named with its line and key")
        func missingModel() async throws {
            let cluster = try TestCluster(workers: ["a"])
            let text = try String(contentsOfFile: cluster.topology.path, encoding: .utf8)
                .replacingOccurrences(of: try Places.model(), with: "gone.gguf")
            try text.write(toFile: cluster.topology.path, atomically: true, encoding: .utf8)
            let line = try #require(
                text.split(separator: "\n", omittingEmptySubsequences: false).firstIndex { $0.contains("gone.gguf") })
            for command in [["router"], ["worker", "--name", "a"], ["launch", "--detach"]] {
                let file = command[0] == "launch" ? [cluster.topology.path] : ["--topology", cluster.topology.path]
                let ended = try await cluster.run(command + file)
                #expect(ended.code == 2)
                #expect(ended.errors.contains("t.yaml:\(line + 1)"), "\(ended.errors)")
                #expect(ended.errors.contains("models") && ended.errors.contains("gone.gguf"), "\(ended.errors)")
            }
        }

        @Test("a worker whose weights have another hash says so and ends")
        func wrongHash() async throws {
            let cluster = try TestCluster(workers: ["a"])
            let wrong = String(repeating: "ab", count: 32)
            let text = try String(contentsOfFile: cluster.topology.path, encoding: .utf8)
                .replacingOccurrences(of: "{name: smollm2,", with: "{name: smollm2, sha256: \(wrong),")
            try text.write(toFile: cluster.topology.path, atomically: true, encoding: .utf8)
            let ended = try await cluster.run(["worker", "--name", "a", "--topology", cluster.topology.path])
            #expect(ended.code == 1)
            #expect(ended.errors.contains(wrong), "\(ended.errors)")
        }

        @Test("a port that is taken is named")
        func portTaken() async throws {
            let holder = try Socket(ZeroMQContext(), .router)
            guard case .tcp(_, let port) = try holder.bind(.tcp(host: "127.0.0.1", port: 0)) else { return }
            let cluster = try TestCluster(
                workers: ["a"], router: "  front: tcp://127.0.0.1:\(port)", extra: "security: {insecure: true}")
            let ended = try await cluster.run(["router", "--topology", cluster.topology.path])
            #expect(ended.code == 1)
            #expect(ended.errors.contains("127.0.0.1:\(port)") && ended.errors.contains("in use"), "\(ended.errors)")
            withExtendedLifetime(holder) {}
        }

        @Test("`stop` ends everything of a detached cluster whose launcher was killed")
        func stopAfterCrash() async throws {
            let cluster = try TestCluster(workers: ["a", "b"])
            defer { for (_, processID) in records(cluster) { kill(processID, SIGKILL) } }
            let launched = try await cluster.run(["launch", cluster.topology.path, "--detach"])
            try #require(launched.code == 0, "\(launched.errors)")
            let processes = records(cluster)
            #expect(Set(processes.keys) == ["launcher", "router", "a", "b"])
            kill(try #require(processes["launcher"]), SIGKILL)
            #expect(try await eventually(withinSeconds: 5) { !isAlive(processes["launcher"] ?? 0) })
            let stopped = try await cluster.run(["stop", cluster.topology.path])
            #expect(stopped.code == 0, "\(stopped.errors)")
            for (name, processID) in processes { #expect(!isAlive(processID), "\(name) still runs") }
            #expect(try await cluster.run(["stop", cluster.topology.path]).output.contains("nothing ran"))
        }

        @Test("`stop` lets every process end by itself, and the statistics of the last seconds are there afterwards")
        func stopKeepsStatistics() async throws {
            let cluster = try TestCluster(workers: ["a"])
            defer { for (_, processID) in records(cluster) { kill(processID, SIGKILL) } }
            let query = ["query", "hello", "--max-tokens", "3", "--topology", cluster.topology.path]
            try #require(try await cluster.run(["launch", cluster.topology.path, "--detach"]).code == 0)
            #expect(try await cluster.run(query).code == 0)
            #expect(try await cluster.run(["stop", cluster.topology.path]).code == 0)
            let log = try String(contentsOfFile: cluster.topology.paths.logFile("router"), encoding: .utf8)
            #expect(log.contains("router ended"), "\(log)")
            try #require(try await cluster.run(["launch", cluster.topology.path, "--detach"]).code == 0)
            let stats = try await cluster.run(["stats", "--json", "--topology", cluster.topology.path])
            #expect(stats.output.contains("\"answered\":1"), "\(stats.output)")
            _ = try await cluster.run(["stop", cluster.topology.path])
        }

        /// The process ids that the launcher wrote down, by name.
        private func records(_ cluster: TestCluster) -> [String: Int32] {
            struct Record: Decodable {
                struct Identity: Decodable { let processID: Int32 }
                let name: String
                let identity: Identity?
            }
            let folder = cluster.topology.paths.processes
            let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
            let found = files.compactMap { file -> (String, Int32)? in
                guard let data = FileManager.default.contents(atPath: "\(folder)/\(file)"),
                    let record = try? JSONDecoder().decode(Record.self, from: data)
                else { return nil }
                return record.identity.map { (record.name, $0.processID) }
            }
            return Dictionary(found, uniquingKeysWith: { first, _ in first })
        }

        /// A process that has ended but that nobody has waited for has no command line any more.
        private func isAlive(_ processID: Int32) -> Bool {
            FileManager.default.contents(atPath: "/proc/\(processID)/cmdline")?.isEmpty == false
        }
    }
}
