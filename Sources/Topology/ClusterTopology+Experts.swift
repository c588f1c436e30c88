/// What concerns experts and the wires between them and their trunks.
extension ClusterTopology {
    func checkExperts(_ section: Section) {
        let trunks = Set(workers.flatMap(\.models))
        for model in models {
            guard let entry = model.experts else { continue }
            let held = Set(workers.filter { $0.experts?.model == model.name }.flatMap { $0.experts?.names ?? [] })
            for expert in entry.experts where expert.placement != .pinned && !held.contains(expert.name) {
                section.issues.add(
                    line: expert.line, key: "models",
                    "no worker holds expert `\(expert.name)` of `\(model.name)`; add it to a worker's experts, or list it under "
                        + "pinned")
            }
            if !trunks.contains(model.name) {
                section.issues.add(
                    line: model.line, key: "models",
                    "nobody serves the trunk of `\(model.name)`; write router: {trunk: [\(model.name)]}, or add it to a "
                        + "worker's models")
            }
        }
    }

    func checkDataEndpoints(_ section: Section) {
        var takenBy: [String: String] = [:]
        for worker in workers {
            guard let data = worker.data else { continue }
            check(data, of: worker, section)
            let place = data.bind.description
            // Elsewhere the same interface and port are another machine's.
            if worker.host == .local, let other = takenBy.updateValue(worker.name, forKey: place) {
                section.issues.add(
                    line: data.line, key: "workers",
                    "\(place) is already the data endpoint of `\(other)`; choose another")
            }
        }
    }

    private func check(_ data: ListeningAddress, of worker: WorkerEntry, _ section: Section) {
        if worker.host == .remote, !data.bind.isTCP {
            section.issues.add(
                line: data.line, key: "workers",
                "trunks cannot reach the ipc data endpoint of remote worker `\(worker.name)`; give data: {bind: \"tcp://*:PORT\", "
                    + "advertise: \"tcp://HOST:PORT\"}")
        }
        guard data.bind.isTCP, !security.insecure else { return }
        if worker.keyFile == nil || security.serverKeyFile == nil {
            section.issues.add(
                line: data.line, key: "workers",
                "the tcp data endpoint of `\(worker.name)` needs keys: make them with `skein keygen` and give the worker "
                    + "key: FILE and security: {keys: FILE, server_key: FILE}, or say security: {insecure: true}")
        }
    }
}
