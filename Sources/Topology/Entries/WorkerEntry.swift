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
}

/// One entry of `workers:` — a process that hosts models.
package struct WorkerEntry: Equatable, Sendable {
    package let name: String
    /// Names from `models:`.
    package let models: [String]
    package let threads: ThreadChoice
    /// Sequences it runs at once: the credit it gives the router.
    package let capacity: Int
    /// Bound of its KV cache.
    package let kvMegabytes: Int
    package let host: WorkerHost
    /// Its secret CURVE key, for a control socket on TCP.
    package let keyFile: String?
    package let line: Int
}

extension WorkerEntry {
    static let keys = ["name", "models", "threads", "capacity", "kv_megabytes", "host", "key", "replicas"]
    static let countMax = 256

    /// `replicas: 3` of worker `w` makes `w-1`, `w-2` and `w-3`. Empty, with an issue, when the name is wrong.
    static func read(_ section: Section, knownModels: [String], paths: ClusterPaths) -> [WorkerEntry] {
        let worker = WorkerEntry(reading: section, knownModels: knownModels, paths: paths)
        let replicas =
            section.has("replicas") ? section.integer("replicas", in: 1...64, default: 1, unit: "workers") : nil
        guard let worker else { return [] }
        guard let replicas else { return [worker] }
        if worker.keyFile != nil, replicas > 1 {
            section.add("key", "a worker key belongs to one worker; write the replicas out, one entry and key each")
        }
        return (1...replicas).map { worker.renamed("\(worker.name)-\($0)") }
    }

    private init?(reading section: Section, knownModels: [String], paths: ClusterPaths) {
        let name = section.name("name", missing: "give the worker a name")
        models = Self.models(section, known: knownModels)
        threads = Self.threads(section)
        capacity = section.integer("capacity", in: 1...1024, default: 8, unit: "sequences")
        kvMegabytes = section.integer("kv_megabytes", in: 1...1_048_576, default: 512, unit: "MiB")
        host = section.choice("host", default: .local)
        keyFile = section.text("key").map(paths.resolved)
        line = section.line
        guard let name else { return nil }
        self.name = name
    }

    private func renamed(_ name: String) -> WorkerEntry {
        WorkerEntry(
            name: name, models: models, threads: threads, capacity: capacity, kvMegabytes: kvMegabytes, host: host,
            keyFile: keyFile, line: line)
    }

    private static func models(_ section: Section, known: [String]) -> [String] {
        guard section.has("models") else {
            section.issues.add(
                line: section.line, key: section.path("models"),
                "is missing; list the models it hosts: [\(known.first ?? "NAME")]")
            return []
        }
        let names = section.names("models", countMax: ModelEntry.countMax)
        var seen: Set<String> = []
        for (index, (name, line)) in names.enumerated() {
            let key = "\(section.path("models"))[\(index)]"
            if !known.contains(name) {
                section.issues.add(
                    line: line, key: key,
                    "unknown model `\(name)`\(suggestion(for: name, among: known)); list it under models:")
            } else if !seen.insert(name).inserted {
                section.issues.add(line: line, key: key, "`\(name)` is listed twice; remove one")
            }
        }
        if section.isEmptyList("models") {
            section.add("models", "is empty; a worker hosts at least one model")
        }
        return names.map(\.name)
    }

    private static func threads(_ section: Section) -> ThreadChoice {
        guard section.has("threads"), !section.says("threads", "auto") else { return .auto }
        return .count(section.integer("threads", in: 1...1024, default: 1, unit: "threads, or auto"))
    }
}
