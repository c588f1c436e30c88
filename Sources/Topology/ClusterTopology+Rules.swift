/// What no single entry can see: names that clash, nodes that nobody serves, TCP without keys.
extension ClusterTopology {
    func checkRules(_ section: Section) {
        checkPresence(section)
        checkNames(section)
        checkNodes(section)
        checkSecurity(section)
        checkExperts(section)
        checkMixtures(section)
        checkDataEndpoints(section)
        checkGraph(section)
    }

    private func checkPresence(_ section: Section) {
        // The router can serve alone, with its own trunk and pinned experts.
        for key in trunk == nil ? ["models", "workers"] : ["models"] where !section.has(key) || section.isEmptyList(key)
        {
            section.add(key, section.has(key) ? "is empty; list at least one" : "is missing; list at least one")
        }
    }

    private func checkNames(_ section: Section) {
        rejectDuplicates(models.map { ($0.name, $0.line) }, list: "models", section)
        let listed = workers.filter { $0.host != .router }
        rejectDuplicates(listed.map { ($0.name, $0.line) }, list: "workers", section)
        rejectDuplicates(nodes.map { ($0.name, $0.line) }, list: "nodes", section)
        // The router's own worker has its name from us.
        let taken = ["router", "launcher"] + (trunk == nil ? [] : [TrunkEntry.workerName])
        for worker in workers where worker.host != .router && taken.contains(worker.name) {
            section.issues.add(
                line: worker.line, key: "workers", "`\(worker.name)` names another process; choose another")
        }
    }

    private func rejectDuplicates(_ names: [(name: String, line: Int)], list: String, _ section: Section) {
        // Nodes that stand for models repeat the models' duplicates.
        guard list != "nodes" || section.has("nodes") else { return }
        var firstLine: [String: Int] = [:]
        for (name, line) in names {
            if let first = firstLine[name] {
                section.issues.add(
                    line: line, key: list, "`\(name)` is already the name of the entry at line \(first); choose another"
                )
            } else {
                firstLine[name] = line
            }
        }
    }

    private func checkNodes(_ section: Section) {
        let hosted = Set(workers.flatMap(\.models))
        for node in nodes {
            guard let model = node.model, self.model(model) != nil, !hosted.contains(model) else { continue }
            section.issues.add(
                line: node.line, key: section.has("nodes") ? "nodes" : "models",
                "no worker hosts `\(model)`, so node `\(node.name)` could never answer; add it to a worker's models"
            )
        }
        if let defaultNode, section.has("default_node"), node(defaultNode) == nil {
            section.add(
                "default_node", "unknown node `\(defaultNode)`\(suggestion(for: defaultNode, among: nodes.map(\.name)))"
            )
        }
    }

    private func checkSecurity(_ section: Section) {
        let isRemote = workers.contains { $0.host == .remote }
        if isRemote, !router.control.bind.isTCP {
            section.issues.add(
                line: router.control.line, key: "router.control",
                "a remote worker cannot reach an ipc socket; give a tcp:// endpoint")
        }
        guard !security.insecure else { return }
        let tcp = router.sockets.filter { $0.address.bind.isTCP }
        if security.authorisedKeysFile == nil || security.serverKeyFile == nil {
            for (key, address) in tcp {
                section.issues.add(
                    line: address.line, key: "router.\(key)",
                    "tcp needs keys: make them with `skein keygen` and give security: {keys: FILE, server_key: FILE}, "
                        + "or say security: {insecure: true}")
            }
        }
        guard router.control.bind.isTCP else { return }
        for worker in workers where worker.keyFile == nil && worker.host != .router {
            section.issues.add(
                line: worker.line, key: "workers",
                "worker `\(worker.name)` needs a key of its own to reach a tcp control socket; make one with "
                    + "`skein keygen` and give key: FILE")
        }
    }
}
