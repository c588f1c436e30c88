import Foundation
import Testing
import Topology

/// A folder of its own, removed afterwards.
func withFolder(_ body: (String) throws -> Void) throws {
    let folder = "/tmp/skein-test-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try body(folder)
}

private func mode(_ path: String) throws -> Int {
    let attributes = try FileManager.default.attributesOfItem(atPath: path)
    return try #require(attributes[.posixPermissions] as? NSNumber).intValue
}

@Suite("Topology: files and folders of a cluster")
struct ClusterPathsTests {
    @Test func foldersFollowTheTopologyFile() throws {
        try withFolder { folder in
            let paths = ClusterPaths(
                topologyPath: folder + "/x/../t.yaml", clusterName: "c", environment: ["XDG_RUNTIME_DIR": folder])
            #expect(paths.topologyFile == folder + "/t.yaml")
            #expect(paths.state == folder + "/.skein/c")
            #expect(paths.sockets.hasPrefix(folder + "/skein/"))
            let other = ClusterPaths(
                topologyPath: folder + "/u.yaml", clusterName: "c", environment: ["XDG_RUNTIME_DIR": folder])
            #expect(other.sockets != paths.sockets)
        }
    }

    @Test func aRuntimeFolderThatOthersReachIsNotUsed() throws {
        try withFolder { folder in
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder)
            let environments = [["XDG_RUNTIME_DIR": folder], ["XDG_RUNTIME_DIR": folder + "/absent"], [:]]
            for environment in environments {
                let paths = ClusterPaths(topologyPath: "/t.yaml", clusterName: "c", environment: environment, userID: 7)
                #expect(paths.sockets.hasPrefix("/tmp/skein-7/"))
            }
        }
    }

    @Test func aLongRuntimeFolderIsNotUsed() throws {
        try withFolder { folder in
            let long = folder + "/" + String(repeating: "x", count: 80)
            try FileManager.default.createDirectory(
                atPath: long, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
            let paths = ClusterPaths(topologyPath: "/t.yaml", clusterName: "c", environment: ["XDG_RUNTIME_DIR": long])
            #expect(paths.sockets.hasPrefix("/tmp/skein-"))
            #expect(paths.socket("statistics").utf8.count <= Endpoint.ipcPathBytesMax)
        }
    }

    @Test func preparedFoldersAreOursAlone() throws {
        try withFolder { folder in
            let paths = ClusterPaths(
                topologyPath: folder + "/t.yaml", clusterName: "c", environment: ["XDG_RUNTIME_DIR": folder])
            try paths.prepare()
            try paths.prepare()
            #expect(try mode(paths.sockets) == 0o700)
            #expect(try mode(paths.logs) == 0o700)

            try FileManager.default.setAttributes([.posixPermissions: 0o770], ofItemAtPath: paths.sockets)
            let error = try #require(throws: ClusterPathsError.self) { try paths.prepare() }
            #expect(error.description.contains("chmod 700"))
            paths.removeSockets()
            #expect(FileManager.default.fileExists(atPath: paths.sockets))

            try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: paths.sockets)
            paths.removeSockets()
            #expect(!FileManager.default.fileExists(atPath: paths.sockets))
        }
    }

    @Test func aSocketFolderThatIsALinkIsRefused() throws {
        try withFolder { folder in
            let paths = ClusterPaths(
                topologyPath: folder + "/t.yaml", clusterName: "c", environment: ["XDG_RUNTIME_DIR": folder])
            try FileManager.default.createDirectory(atPath: folder + "/elsewhere", withIntermediateDirectories: false)
            try FileManager.default.createSymbolicLink(
                atPath: folder + "/skein", withDestinationPath: folder + "/elsewhere")
            #expect(throws: ClusterPathsError.self) { try paths.prepare() }
        }
    }

    @Test func missingFilesAreNamedWithTheirLine() throws {
        try withFolder { folder in
            let path = folder + "/t.yaml"
            let yaml = """
                name: x
                router: {control: "tcp://127.0.0.1:7071"}
                security: {keys: auth, server_key: router.key}
                models:
                  - {name: m, file: m.gguf}
                  - {name: n, file: \(folder)}
                workers: [{name: a, models: [m, n], key: a.key}]
                """
            try yaml.write(toFile: path, atomically: true, encoding: .utf8)
            let topology = try ClusterTopology(contentsOf: path)
            let error = try #require(throws: TopologyError.self) { try topology.verifyFiles() }
            let found = error.issues.map { "\($0.line ?? 0) \($0.message.prefix { $0 != ";" })" }
            #expect(
                found == [
                    "5 \(folder)/m.gguf: no such file", "6 \(folder): is a folder", "3 \(folder)/auth: no such file",
                    "3 \(folder)/router.key: no such file", "3 \(folder)/router.pub: no such file",
                    "7 \(folder)/a.key: no such file",
                ])
        }
    }

    @Test func aWorkerNeedsOnlyItsOwnFiles() throws {
        try withFolder { folder in
            try "weights".write(toFile: folder + "/m.gguf", atomically: true, encoding: .utf8)
            let topology = try ClusterTopology(
                yaml: minimal("  - {name: b, models: [n]}").replacing(
                    "models:\n", with: "models:\n  - {name: n, file: n}\n", maxReplacements: 1),
                path: folder + "/t.yaml")
            try topology.verifyFiles(forWorker: topology.worker("a"))
            #expect(throws: TopologyError.self) { try topology.verifyFiles(forWorker: topology.worker("b")) }
        }
    }

    @Test(arguments: [("/nonexistent/t.yaml", "no such file"), ("/tmp", "is a folder")])
    func unreadableTopologies(path: String, message: String) throws {
        let error = try #require(throws: TopologyError.self) { try ClusterTopology(contentsOf: path) }
        #expect(error.description.hasPrefix("\(path): \(message)"))
    }

    @Test func bytesThatAreNoText() throws {
        try withFolder { folder in
            let path = folder + "/t.yaml"
            try Data([0xFF, 0xFE, 0x00]).write(to: URL(fileURLWithPath: path))
            #expect(throws: TopologyError.self) { try ClusterTopology(contentsOf: path) }
            try Data(repeating: 0x20, count: (1 << 20) + 1).write(to: URL(fileURLWithPath: path))
            let error = try #require(throws: TopologyError.self) { try ClusterTopology(contentsOf: path) }
            #expect(error.description.contains("larger than 1048576 bytes"))
        }
    }
}
