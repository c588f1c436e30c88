import Foundation
import Testing
import Topology

extension ClusterTests {
    @Suite("Masters measured from the command line") struct MasterEvaluationTests {
        /// Lines of queries, or of examples or shares, in a file of its own.
        private func file(_ text: String) throws -> String {
            let path = NSTemporaryDirectory() + "queries-\(UUID().uuidString)"
            try text.write(toFile: path, atomically: true, encoding: .utf8)
            return path
        }

        @Test(
            "what is wrong with a file of queries is said with its line",
            arguments: [
                ("french\tbonjour\nno tab here\n", "line 2"), ("\tbonjour\n", "line 1"), ("french\t \n", "line 1"),
                ("", "no query"),
            ])
        func badQueries(_ text: String, _ said: String) async throws {
            let cluster = try TestCluster(workers: ["a"])
            let path = try file(text)
            defer { try? FileManager.default.removeItem(atPath: path) }
            for command in ["queries", "cost"] {
                let ended = try await cluster.run(
                    ["eval", command, "--topology", cluster.topology.path, "--queries", path])
                #expect(ended.code == 2 && ended.errors.contains(said), "\(command): \(ended.errors)")
            }
        }

        @Test("a topology without a master, and a record that is none, are usage errors")
        func noMaster() async throws {
            let cluster = try TestCluster(workers: ["a"])
            let path = try file("french\tbonjour\n")
            defer { try? FileManager.default.removeItem(atPath: path) }
            let asked = ["eval", "queries", "--topology", cluster.topology.path, "--queries", path]
            let ended = try await cluster.run(asked)
            #expect(ended.code == 2 && ended.errors.contains("master"), "\(ended.errors)")
            let record = try await cluster.run(asked + ["--recorded", path])
            #expect(record.code == 2 && record.errors.contains("record"), "\(record.errors)")
            let examples = try await cluster.run(asked + ["--examples", path])
            #expect(examples.code == 2 && examples.errors.contains("line 1"), "\(examples.errors)")
        }

        @Test("options outside their range are usage errors")
        func options() async throws {
            let cluster = try TestCluster(workers: ["a"])
            let topology = ["--topology", cluster.topology.path]
            for arguments in [
                ["eval", "queries", "--neighbours", "0"], ["eval", "cost", "--steps", "0"],
                ["eval", "cost", "--budget", "-1"], ["eval", "answers", "--answers", "none.jsonl"],
            ] {
                #expect(try await cluster.run(arguments + topology).code == 2, "\(arguments)")
            }
        }
    }
}
