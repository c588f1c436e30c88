import Foundation
import Testing
import Topology

/// A topology with nothing but what is required; `extra` goes to the end.
func minimal(_ extra: String = "") -> String {
    """
    name: test
    models:
      - name: m
        file: m.gguf
    workers:
      - name: a
        models: [m]
    \(extra)
    """
}

func parse(_ yaml: String, path: String = "/srv/skein/t.yaml", environment: [String: String] = [:]) throws
    -> ClusterTopology
{
    try ClusterTopology(yaml: yaml, path: path, environment: environment)
}

@Suite("Topology: what a file means")
struct ReadingTests {
    @Test func defaultsOfTheSmallestTopology() throws {
        let topology = try parse(minimal())
        #expect(topology.name == "test")
        #expect(topology.router.limits == RouterLimits())
        let model = try #require(topology.models.first)
        #expect(model.name == "m" && model.file == "/srv/skein/m.gguf" && model.line == 3)
        #expect(model.sha256 == nil && model.compute == .fast && model.contextTokens == nil)
        #expect(topology.workers.map(\.name) == ["a"])
        #expect(topology.workers[0].threads == .auto)
        #expect(topology.nodes.map(\.name) == ["m"] && topology.nodes[0].kind == .model(name: "m"))
        #expect(topology.defaultNode == "m")
        #expect(topology.statistics.file == "/srv/skein/.skein/test/statistics.sqlite")
        #expect(topology.statistics.retentionDays == 30)
        #expect(topology.log.level == .info && topology.log.megabytes == 8 && topology.log.files == 4)
        #expect(!topology.security.insecure)
    }

    @Test func everyKeyIsRead() throws {
        let topology = try parse(
            """
            name: full.1
            router:
              front: {bind: "tcp://*:7070", advertise: "tcp://router.example:7070"}
              control: tcp://[::1]:7071
              statistics: ipc:///run/s.sock
              limits: {queue_max: 7, max_tokens_default: 10, max_tokens_max: 20,
                deadline_milliseconds_default: 1_000, deadline_milliseconds_max: 2000, lease_milliseconds: 900,
                retention_count: 5, retention_bytes: 6, retention_seconds: 8, heartbeat_milliseconds: 50,
                worker_lost_milliseconds: 200}
            security: {keys: k/auth, server_key: /abs/router.key, client_key: k/me}
            models:
              - {name: m, file: ../m.gguf, sha256: \(String(repeating: "AB", count: 32)), compute: exact, context: 2048}
              - {name: n, file: n.gguf}
            workers:
              - {name: w, models: [m, n], threads: 3, capacity: 2, kv_megabytes: 64, host: remote, key: k/w}
            nodes:
              - {name: big, kind: model, model: m}
              - {name: small, model: n}
            default_node: small
            statistics: {file: s.sqlite, retention_days: 2, retention_rows: 1000}
            log: {level: debug, megabytes: 1, files: 2}
            """)
        let router = topology.router
        #expect(router.front.bind == .tcp(host: "*", port: 7070))
        #expect(router.front.advertise.description == "tcp://router.example:7070")
        #expect(router.control.bind == .tcp(host: "[::1]", port: 7071))
        #expect(router.statistics.bind == .ipc(path: "/run/s.sock"))
        #expect(router.limits.queueMax == 7)
        #expect(router.limits.maxTokensDefault == 10 && router.limits.maxTokensMax == 20)
        #expect(router.limits.deadlineMillisecondsDefault == 1000 && router.limits.deadlineMillisecondsMax == 2000)
        #expect(router.limits.leaseMilliseconds == 900 && router.limits.retentionCount == 5)
        #expect(router.limits.retentionBytes == 6 && router.limits.retentionSeconds == 8)
        #expect(router.limits.heartbeatMilliseconds == 50 && router.limits.workerLostMilliseconds == 200)
        #expect(topology.security.serverPublicKeyFile == "/abs/router.pub")
        #expect(topology.security.authorisedKeysFile == "/srv/skein/k/auth")
        #expect(topology.model("m")?.file == "/srv/m.gguf")
        #expect(topology.model("m")?.sha256 == String(repeating: "ab", count: 32))
        #expect(topology.model("m")?.compute == .exact && topology.model("m")?.contextTokens == 2048)
        #expect(topology.worker("w")?.threads == .count(3) && topology.worker("w")?.keyFile == "/srv/skein/k/w")
        #expect(topology.localWorkers.isEmpty)
        #expect(topology.node("big")?.model == "m" && topology.defaultNode == "small")
        #expect(topology.statistics.retentionRows == 1000 && topology.log.level == .debug)
    }

    @Test func replicasAreWrittenOut() throws {
        let topology = try parse(minimal("  - {name: w, models: [m], replicas: 3, threads: 2}"))
        #expect(topology.workers.map(\.name) == ["a", "w-1", "w-2", "w-3"])
        #expect(topology.threads(of: topology.workers[1], cores: 8) == 2)
    }

    @Test(arguments: [(1, 1), (2, 1), (8, 4), (9, 4)])
    func autoThreadsShareTheCores(cores: Int, expected: Int) throws {
        let topology = try parse(minimal("  - {name: b, models: [m]}\n  - {name: c, models: [m], threads: 2}"))
        #expect(topology.threads(of: topology.workers[0], cores: cores) == expected)
    }

    @Test func theReadyTopologiesParse() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        for name in ["quickstart", "one-worker", "secure-tcp", "phatgoose"] {
            let topology = try ClusterTopology(contentsOf: root.path + "/topology/\(name).yaml")
            #expect(topology.name == name)
            #expect(topology.defaultNode == "smollm2")
        }
    }

    /// The comments of quickstart.yaml are its documentation: uncommented, they must parse to the same topology.
    @Test func theCommentedDefaultsOfQuickstartAreTheDefaults() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let path = root.path + "/topology/quickstart.yaml"
        let text = try String(contentsOf: URL(fileURLWithPath: path), encoding: .utf8)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map {
            line -> Substring in
            let body = line.drop { $0 == " " }
            let isKey = body.wholeMatch(of: /# ( *(- )?[a-z0-9_]+:.*)/)
            guard let isKey, !line.contains("FILE"), !line.contains("replicas"), !line.contains("context:") else {
                return line
            }
            return line.prefix(line.count - body.count) + isKey.1
        }
        let uncommented = lines.joined(separator: "\n")
        #expect(uncommented.contains("\n    queue_max") && uncommented.contains("\nlog:"))
        let plain = try parse(text, path: path)
        let full = try parse(uncommented, path: path)
        #expect(full.router.limits == plain.router.limits)
        #expect(full.log == plain.log && full.statistics == plain.statistics)
        #expect(full.workers == plain.workers && full.models == plain.models)
        #expect(full.nodes.map(\.name) == plain.nodes.map(\.name) && full.defaultNode == plain.defaultNode)
    }
}
