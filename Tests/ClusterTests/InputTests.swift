import Foundation
import Glibc
import Testing
import Topology

extension ClusterTests {
    /// What somebody gives by mistake: each has its own words, and nothing waits for ever.
    @Suite("Files that are not what they should be") struct InputTests {
        private func refused(
            _ cluster: TestCluster, _ arguments: [String], code: Int32, _ words: String...,
            location: SourceLocation = #_sourceLocation
        ) async throws {
            let ended = try await cluster.run(arguments)
            #expect(ended.code == code, "\(arguments): \(ended.errors)", sourceLocation: location)
            for word in words {
                #expect(ended.errors.contains(word), "\(arguments): \(ended.errors)", sourceLocation: location)
            }
            // Foundation's and the standard library's own wordings.
            for foreign in [
                "Error(", "Error.", "NSCocoa", "NSPOSIX", "couldn’t", "could not be completed", "codingPath",
            ] {
                #expect(!ended.errors.contains(foreign), "\(arguments): \(ended.errors)", sourceLocation: location)
            }
        }

        @Test("a pipe, a folder, nothing, and a device in a topology's place")
        func topologies() async throws {
            let cluster = try TestCluster(workers: ["a"])
            let pipe = "\(cluster.folder)/pipe.yaml"
            #expect(mkfifo(pipe, 0o600) == 0)
            try FileManager.default.createSymbolicLink(
                atPath: "\(cluster.folder)/link.yaml", withDestinationPath: "pipe.yaml")
            for file in [pipe, "\(cluster.folder)/link.yaml"] {
                try await refused(cluster, ["status", file], code: 2, file, "is a pipe")
                try await refused(cluster, ["graph", file], code: 2, file, "is a pipe")
            }
            try await refused(cluster, ["status", cluster.folder], code: 2, "is a folder")
            try await refused(cluster, ["status", "\(cluster.folder)/gone.yaml"], code: 2, "no such file")
            try await refused(cluster, ["status", "/dev/null"], code: 2, "is empty")
            try await refused(cluster, ["status", "/dev/zero"], code: 2, "larger than")
            let twice = "\(cluster.folder)/twice.yaml"
            try "name: x\nlog:\n  files: 1\n  level: info\n  files: 2\n".write(
                toFile: twice, atomically: true, encoding: .utf8)
            try await refused(cluster, ["status", twice], code: 2, "twice.yaml:5: files: ", "first at line 3")
        }

        @Test("a folder of models in a model's place is told from a model's folder")
        func models() async throws {
            let cluster = try TestCluster(workers: ["a"])
            let folder = "\(cluster.folder)/models"
            try FileManager.default.createDirectory(atPath: "\(folder)/tiny", withIntermediateDirectories: true)
            try await refused(
                cluster, ["tokenize", "--model", folder, "--text", "x"], code: 2, "config.json", "not in this folder")
            try Data().write(to: URL(filePath: "\(folder)/one.gguf"))
            try Data().write(to: URL(filePath: "\(folder)/tiny/config.json"))
            try await refused(
                cluster, ["score", "--model", "\(folder)/", "--text-file", "/dev/null"], code: 2,
                "\(folder)/one.gguf, \(folder)/tiny")
            try await refused(
                cluster, ["generate", "--model", folder, "--prompt", "x"], code: 2, "give one of the models in it")
        }

        @Test("a prompt that no message can hold says how much one holds")
        func prompt() async throws {
            let cluster = try TestCluster(workers: ["a"])
            _ = try await cluster.launch()
            let file = "\(cluster.folder)/prompt"
            try String(repeating: "goose ", count: 200_000).write(toFile: file, atomically: true, encoding: .utf8)
            try await refused(
                cluster, ["query", "--prompt-file", file, "--topology", cluster.topology.path], code: 3,
                "at most 1 MiB", "shorten the prompt")
        }
    }
}
