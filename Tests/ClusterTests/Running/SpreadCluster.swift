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
        compute: String = "exact", megabytes: Int? = nil, size: RandomMixture.Size = .init()
    ) throws -> SpreadCluster {
        let model = "/tmp/skein-mixture-\(UUID().uuidString.prefix(8))"
        try RandomMixture.write(to: model, size)
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

// Experts that move.
extension SpreadCluster {
    static let swapped = "[{experts: 0-3, workers: [b]}, {experts: 4-7, workers: [a]}]"

    /// Runs `skein expert place` on the topology with another placement.
    func place(_ placement: String, instead old: String) async throws -> (code: Int32?, output: String, errors: String)
    {
        try edit(placement, instead: old)
        return try await cluster.run(["expert", "place", "--topology", cluster.topology.path, "--json"])
    }

    /// Writes another placement into the topology.
    func edit(_ placement: String, instead old: String) throws {
        let text = try String(contentsOfFile: cluster.topology.path, encoding: .utf8).replacing(old, with: placement)
        try text.write(toFile: cluster.topology.path, atomically: true, encoding: .utf8)
    }

    static func held(_ client: RouterClient) async throws -> [String: Set<String>] {
        let workers = try await client.status().workers.filter { !$0.experts.isEmpty }
        return Dictionary(uniqueKeysWithValues: workers.map { ($0.name, Set($0.experts)) })
    }

    /// These experts of every layer.
    static func names(_ experts: ClosedRange<Int>) -> Set<String> {
        Set((0..<RandomMixture.layers).flatMap { layer in experts.map { "mixture/\(layer).\($0)" } })
    }

    static func shares(_ held: [String: Set<String>]) -> [PlacedShare] {
        held.sorted { $0.key < $1.key }.map { PlacedShare(worker: $0.key, experts: $0.value.sorted()) }
    }

    /// What the trunk has said of its rounds with workers whenever all experts were where they were to be: how many it had made, and how
    /// many of them had to wait because an expert was open to it nowhere.
    func rounds() -> [(made: Int, delayed: Int)] {
        cluster.log("router").matches(of: /of (\d+) rounds so far (\d+) had to wait/).compactMap { match in
            guard let made = Int(match.1), let delayed = Int(match.2) else { return nil }
            return (made, delayed)
        }
    }
}
