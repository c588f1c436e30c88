import Client
import Foundation
import Messaging
import Testing
import Topology

/// Clusters of a random mixture whose experts are on workers; the router has the trunk.
struct SpreadCluster {
    let cluster: TestCluster
    let model: String

    /// - Parameters:
    ///   - placement: of the topology; nil: the router computes all experts itself.
    ///   - files: by worker, a file of its own.
    static func make(
        _ workers: [String], placement: String?, onMissing: String = "fail", files: [String: String] = [:],
        compute: String = "exact", megabytes: Int? = nil
    ) throws -> SpreadCluster {
        let model = "/tmp/skein-mixture-\(UUID().uuidString.prefix(8))"
        try RandomMixture.write(to: model)
        let entries = workers.map { worker in
            let file = files[worker].map { ", file: \"\($0)\"" } ?? ""
            let room = megabytes.map { ", megabytes: \($0)" } ?? ""
            return "  - {name: \(worker), experts: {model: mixture\(file)\(room)}, threads: 1}"
        }
        let spread = placement.map { "mixture: {placement: \($0), on_missing: \(onMissing)}" } ?? ""
        let cluster = try TestCluster(
            yaml: """
                name: spread
                router: {trunk: {models: [mixture], threads: 1, capacity: 16}, limits: {heartbeat_milliseconds: 200}}
                models:
                  - name: mixture
                    file: "\(model)"
                    compute: \(compute)
                    \(spread)
                \(workers.isEmpty ? "" : "workers:")
                \(entries.joined(separator: "\n"))
                """)
        return SpreadCluster(cluster: cluster, model: model)
    }

    static let byExpert = "[{experts: 0-3, workers: [a]}, {experts: 4-7, workers: [b]}]"
    static let byLayer = "[{layers: 0-2, workers: [a]}, {layers: 3-5, workers: [b]}]"
    static let everywhere = "[{workers: [a, b]}]"

    static func score(_ tokens: Int) -> Query {
        Query(id: .random(), prompt: .tokens(RandomMixture.tokens(tokens)), trace: true, score: true)
    }

    static func query(_ tokens: UInt32) -> Query {
        Query(
            id: .random(), prompt: .tokens(RandomMixture.tokens(24)), maxTokens: tokens, trace: true, topLogprobs: 3)
    }

    /// What `skein score` says without a cluster.
    func inProcess(_ tokens: Int) async throws -> Score {
        let file = "\(cluster.folder)/ids-\(tokens).json"
        try "\(RandomMixture.tokens(tokens))".write(toFile: file, atomically: true, encoding: .utf8)
        let (code, output, errors) = try await cluster.run([
            "score", "--model", model, "--compute", "exact", "--ids-file", file, "--json",
        ])
        try #require(code == 0, "\(errors)")
        return try Domains.read(output)
    }

    /// What `skein stats --plan` prints.
    struct Plan: Decodable {
        struct Layer: Decodable {
            let layer: Int
            let unevenness, plannedUnevenness: Float
            let now, planned: [String: [Int]]
        }

        let workers: [String]
        let layers: [Layer]
    }

    /// Once the trunk has reported what tokens chose.
    func plan() async throws -> Plan {
        let command = ["stats", "--plan", "--json", "--topology", cluster.topology.path]
        var output = ""
        _ = try await eventually(withinSeconds: 10) {
            output = try await cluster.run(command).output
            return output.contains("plannedUnevenness")
        }
        return try JSONDecoder().decode(Plan.self, from: Data(output.utf8))
    }

    func removeModel() { try? FileManager.default.removeItem(atPath: model) }
}
