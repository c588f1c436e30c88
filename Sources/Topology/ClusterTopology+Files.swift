import Foundation

extension ClusterTopology {
    /// Checks what parsing leaves alone: that the files of models and keys are there and can be read. `skein launch`,
    /// `router` and `worker` call it before anything starts. With `worker`, only what that worker needs.
    package func verifyFiles(forWorker worker: WorkerEntry? = nil) throws(TopologyError) {
        let hosted = worker.map { worker in models.filter { worker.models.contains($0.name) } } ?? models
        var needed = hosted.map { (line: $0.line, key: "models", file: $0.file, advice: modelAdvice) }
        needed += (worker.map { [$0] } ?? localWorkers).compactMap(\.share).map {
            (line: $0.line, key: "workers", file: $0.file, advice: modelAdvice)
        }
        needed += keyFiles(for: worker).map { (line: $0.line, key: $0.key, file: $0.file, advice: keyAdvice) }
        needed += expertFiles(for: worker).map { (line: $0.line, key: "experts", file: $0.file, advice: expertAdvice) }
        needed += masterFiles(for: worker).map { (line: $0.line, key: "nodes", file: $0.file, advice: masterAdvice) }
        let missing = needed.compactMap { entry -> TopologyError.Issue? in
            problem(with: entry.file).map {
                .init(path: path, line: entry.line, key: entry.key, message: "\(entry.file): \($0); \(entry.advice)")
            }
        }
        guard missing.isEmpty else { throw TopologyError(issues: missing) }
    }

    private func masterFiles(for worker: WorkerEntry?) -> [(line: Int, file: String)] {
        (worker.map { [$0] } ?? workers.filter { $0.host != .remote }).flatMap(masters(of:)).compactMap { node in
            node.functionalFolder.map { (node.line, "\($0)/functional_tokens.json") }
        }
    }

    private var masterAdvice: String { "give the folder that `skein train tokens` wrote" }
    private var modelAdvice: String { "give the right path, or fetch the default model with deploy/fetch-model.sh" }
    private var expertAdvice: String { "give the right store, or import the expert with `skein expert import`" }
    private var keyAdvice: String { "make it with `skein keygen`, or give the right path" }

    private func keyFiles(for worker: WorkerEntry?) -> [(line: Int, key: String, file: String)] {
        guard !security.insecure, router.sockets.contains(where: { $0.address.bind.isTCP }) else { return [] }
        let server: [(String, String?)] =
            worker == nil
            ? [("security.keys", security.authorisedKeysFile), ("security.server_key", security.serverKeyFile)] : []
        let everyone: [(String, String?)] = [("security.server_public_key", security.serverPublicKeyFile)]
        let workers = (worker.map { [$0] } ?? localWorkers).compactMap { entry in
            entry.keyFile.map { (line: entry.line, key: "workers", file: $0) }
        }
        return (server + everyone).compactMap { key, file in file.map { (security.line, key, $0) } } + workers
    }

    /// What is loaded of each expert first. A trunk reads the gates of all.
    private func expertFiles(for worker: WorkerEntry?) -> [(line: Int, file: String)] {
        func file(_ store: String, _ name: String) -> String { "\(store)/\(name)/adapter_config.json" }
        let hosts = worker.map { [$0] } ?? workers.filter { $0.host != .remote }
        let held = hosts.compactMap(\.experts).flatMap { experts in
            experts.names.map { (line: experts.line, file: file(experts.store, $0)) }
        }
        let routed = models.filter { model in hosts.contains { $0.models.contains(model.name) } }.compactMap(\.experts)
        return held
            + routed.flatMap { entry in entry.experts.map { (line: $0.line, file: file(entry.store, $0.name)) } }
    }

    private func problem(with file: String) -> String? {
        let target = ClusterPaths.absolute(file)
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: target) else { return "no such file" }
        if attributes[.type] as? FileAttributeType == .typeDirectory {
            // A checkpoint of Hugging Face, whose weights may be in several files.
            return FileManager.default.fileExists(atPath: "\(target)/config.json") ? nil : "is a folder"
        }
        return FileManager.default.isReadableFile(atPath: target) ? nil : "cannot be read"
    }
}
