/// Compute threads of a worker.
package enum ThreadChoice: Equatable, Sendable {
    /// The machine's cores, shared evenly among the topology's local workers that say so.
    case auto
    case count(Int)
}

/// Who starts a worker.
package enum WorkerHost: String, Equatable, Sendable, CaseIterable {
    /// `skein launch`, on this machine.
    case local
    /// Somebody else, elsewhere: `skein worker --topology … --name …`.
    case remote
    /// The router, in its own process: `router: trunk:`.
    case router

    /// Those that an entry of `workers:` may name.
    fileprivate enum Choice: String, CaseIterable {
        case local, remote
    }
}

/// One entry of `workers:` — a process that hosts models, experts, or both. The router's trunk is one too.
package struct WorkerEntry: Equatable, Sendable {
    package private(set) var name: String
    /// Names from `models:`.
    package let models: [String]
    package let experts: WorkerExperts?
    /// Of the experts of a model's mixture layers.
    package let share: WorkerShare?
    /// Where it answers the trunks; nil without experts.
    package private(set) var data: ListeningAddress?
    package let threads: ThreadChoice
    /// Sequences it runs at once: the credit it gives the router.
    package let capacity: Int
    /// Bound of its KV cache.
    package let kvMegabytes: Int
    package let host: WorkerHost
    /// Its secret CURVE key, for sockets on TCP.
    package let keyFile: String?
    package let line: Int
}

extension WorkerEntry {
    static let keys = [
        "name", "models", "experts", "data", "threads", "capacity", "kv_megabytes", "host", "key", "replicas",
    ]
    static let countMax = 256

    /// `replicas: 3` of worker `w` makes `w-1`, `w-2` and `w-3`. Empty, with an issue, when the name is wrong.
    static func read(_ section: Section, models: [ModelEntry], paths: ClusterPaths) -> [WorkerEntry] {
        let worker = WorkerEntry(reading: section, known: models, paths: paths)
        let replicas =
            section.has("replicas") ? section.integer("replicas", in: 1...64, default: 1, unit: "workers") : nil
        guard let worker else { return [] }
        guard let replicas else { return [worker] }
        if worker.keyFile != nil, replicas > 1 {
            section.add("key", "a worker key belongs to one worker; write the replicas out, one entry and key each")
        }
        if section.has("data"), !section.says("data", "ipc"), replicas > 1 {
            section.add(
                "data", "an endpoint belongs to one worker; write the replicas out, one entry and endpoint each")
        }
        return (1...replicas).map { worker.renamed("\(worker.name)-\($0)", section, paths: paths) }
    }

    private init?(reading section: Section, known: [ModelEntry], paths: ClusterPaths) {
        let name = section.name("name", missing: "give the worker a name")
        let experts = section.section("experts", keys: WorkerExperts.keys + WorkerShare.keys.filter { $0 == "file" })
        let share = experts.flatMap { WorkerShare(reading: $0, models: known, paths: paths) }
        models = Self.models(section, known: known.map(\.name), required: experts == nil)
        self.share = share
        self.experts =
            share == nil ? experts.flatMap { WorkerExperts(reading: $0, models: known, paths: paths) } : nil
        threads = Self.threads(section)
        capacity = section.integer("capacity", in: 1...1024, default: 8, unit: "sequences")
        kvMegabytes = section.integer("kv_megabytes", in: 1...1_048_576, default: 512, unit: "MiB")
        host = section.choice("host", default: WorkerHost.Choice.local) == .remote ? .remote : .local
        keyFile = section.text("key").map(paths.resolved)
        line = section.line
        guard let name else { return nil }
        self.name = name
        if experts != nil {
            data = ListeningAddress(reading: "data", of: section, ipc: Self.dataSocket(name, paths))
        } else if section.has("data") {
            section.add(
                "data", "is where trunks reach a worker's experts, and this one has none; remove it, or give experts:")
        }
    }

    /// The router's own worker, from a mapping.
    init(trunkReading section: Section, models: [ModelEntry]) {
        self.init(
            name: TrunkEntry.workerName, models: Self.models(section, known: models.map(\.name), required: true),
            experts: nil, share: nil, data: nil, threads: Self.threads(section),
            capacity: section.integer("capacity", in: 1...1024, default: 8, unit: "sequences"),
            kvMegabytes: section.integer("kv_megabytes", in: 1...1_048_576, default: 512, unit: "MiB"), host: .router,
            keyFile: nil, line: section.line)
    }

    /// The router's own worker, from a list of models.
    init(trunkListing section: Section, key: String, models: [ModelEntry]) {
        self.init(
            name: TrunkEntry.workerName,
            models: Self.models(section, key: key, known: models.map(\.name), required: true), experts: nil,
            share: nil, data: nil,
            threads: .auto, capacity: 8, kvMegabytes: 512, host: .router, keyFile: nil, line: section.line(of: key))
    }

    private static func dataSocket(_ name: String, _ paths: ClusterPaths) -> String { paths.socket("data-\(name)") }

    private func renamed(_ name: String, _ section: Section, paths: ClusterPaths) -> WorkerEntry {
        var replica = self
        replica.name = name
        if data?.bind.isTCP == false {
            replica.data = ListeningAddress(reading: "data", of: section, ipc: Self.dataSocket(name, paths))
        }
        return replica
    }

    private static func models(
        _ section: Section, key: String = "models", known: [String], required: Bool
    ) -> [String] {
        guard section.has(key) else {
            guard required else { return [] }
            section.issues.add(
                line: section.line, key: section.path(key),
                "is missing; list the models it hosts: [\(known.first ?? "NAME")]")
            return []
        }
        let names = section.names(key, countMax: ModelEntry.countMax)
        var seen: Set<String> = []
        for (index, (name, line)) in names.enumerated() {
            let path = "\(section.path(key))[\(index)]"
            if !known.contains(name) {
                section.issues.add(
                    line: line, key: path,
                    "unknown model `\(name)`\(suggestion(for: name, among: known)); list it under models:")
            } else if !seen.insert(name).inserted {
                section.issues.add(line: line, key: path, "`\(name)` is listed twice; remove one")
            }
        }
        if section.isEmptyList(key) {
            section.add(key, "is empty; a worker hosts at least one model")
        }
        return names.map(\.name)
    }

    private static func threads(_ section: Section) -> ThreadChoice {
        guard section.has("threads"), !section.says("threads", "auto") else { return .auto }
        return .count(section.integer("threads", in: 1...1024, default: 1, unit: "threads, or auto"))
    }
}
