import Client
import Messaging

/// Clusters whose tokens find their experts: the router with the trunk, workers with experts.
enum RoutedCluster {
    static let names = ["french", "german", "glossary", "manual", "python", "scripture", "spanish", "swift"]

    /// - Parameters:
    ///   - workers: by name, the experts of each; empty stands for all.
    ///   - data: by worker, its data endpoint; ipc without.
    ///   - known: the experts of the topology.
    ///   - worker: more about the experts of each worker.
    static func make(
        _ workers: [(name: String, experts: [String])], pinned: [String] = [], cacheable: [String] = [],
        cacheMegabytes: Int = 256, capacity: Int = 8, onMissing: String = "fail", onLoss: String = "reload",
        route: String = "{}", extra: String = "", data: [String: String] = [:], control: UInt16? = nil,
        known: [String] = names, worker limits: String = ""
    ) throws -> TestCluster {
        let entries = workers.map { worker in
            let experts = worker.experts.isEmpty ? known : worker.experts
            let endpoint = data[worker.name].map { ", \($0)" } ?? ""
            return
                "  - {name: \(worker.name), experts: {names: [\(experts.joined(separator: ", "))]\(limits)}, threads: 1\(endpoint)}"
        }
        let door = control.map { ", control: \"tcp://127.0.0.1:\($0)\"" } ?? ""
        return try TestCluster(
            yaml: """
                name: routed
                router: {trunk: {models: [smollm2], threads: 1, capacity: \(capacity)}, limits: {heartbeat_milliseconds: 200}\(door)}
                \(extra)
                models:
                  - name: smollm2
                    file: "\(try Places.model())"
                    experts:
                      store: "\(try Places.experts())"
                      names: [\(known.joined(separator: ", "))]
                      pinned: [\(pinned.joined(separator: ", "))]
                      cacheable: [\(cacheable.joined(separator: ", "))]
                      cache_megabytes: \(cacheMegabytes)
                      route: \(route)
                      on_missing: \(onMissing)
                      on_loss: \(onLoss)
                \(entries.isEmpty ? "" : "workers:")
                \(entries.joined(separator: "\n"))
                """)
    }

    static let halves = [("a", Array(names[..<4])), ("b", Array(names[4...]))]

    static func query(_ tokens: UInt32, route: RouteOptions? = nil) -> Query {
        Query(
            id: .random(), prompt: .text(Story.prompt), maxTokens: tokens, trace: true, topLogprobs: 3, route: route)
    }
}
