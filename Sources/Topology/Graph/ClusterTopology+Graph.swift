/// What concerns the graph as a whole: tokens that clash, edges that lead nowhere, nodes that nobody reaches, cycles.
extension ClusterTopology {
    package func edges(from node: String) -> [EdgeEntry] { edges.filter { $0.from == node } }

    /// How many edges each node is from the nearest entry; nodes that no walk reaches are missing.
    package var depths: [String: Int] {
        var depths: [String: Int] = [:]
        var layer = nodes.filter { $0.isEntry || $0.name == defaultNode }.map(\.name)
        var depth = 0
        while !layer.isEmpty {
            for name in layer { depths[name] = depth }
            var seen: Set<String> = []
            layer = layer.flatMap(edges(from:)).map(\.to).filter { depths[$0] == nil && seen.insert($0).inserted }
            depth += 1
        }
        return depths
    }

    func checkGraph(_ section: Section) {
        checkTokens(section)
        checkEnds(section)
        checkEdges(section)
        checkMasters(section)
        checkReach(section)
        checkCycles(section)
    }

    private func checkTokens(_ section: Section) {
        var bound: [String: NodeEntry] = [:]
        for node in nodes {
            guard let token = node.functionalToken else { continue }
            if let other = bound[token] {
                section.issues.add(
                    line: node.tokenLine, key: "nodes",
                    "\(token) is already bound to `\(other.name)` at line \(other.tokenLine); choose another for "
                        + "`\(node.name)`")
            } else {
                bound[token] = node
            }
        }
    }

    private func checkEnds(_ section: Section) {
        let known = nodes.map(\.name)
        var seen: [String: Int] = [:]
        for edge in edges {
            for name in [edge.from, edge.to] where !known.contains(name) {
                section.issues.add(
                    line: edge.line, key: "edges",
                    "unknown node `\(name)`\(suggestion(for: name, among: known)); list it under nodes:")
            }
            if let first = seen.updateValue(edge.line, forKey: "\(edge.from) \(edge.to) \(edge.kind)") {
                section.issues.add(
                    line: edge.line, key: "edges",
                    "the \(edge.kind.rawValue) edge from `\(edge.from)` to `\(edge.to)` is already at line \(first); "
                        + "remove one")
            }
        }
    }

    private func checkEdges(_ section: Section) {
        var cascades: Set<String> = []
        for edge in edges {
            guard let from = node(edge.from), let to = node(edge.to) else { continue }
            if let message = problem(from, to, edge) {
                section.issues.add(line: edge.line, key: "edges", message)
            }
            if edge.kind == .cascade, !cascades.insert(edge.from).inserted {
                section.issues.add(
                    line: edge.line, key: "edges",
                    "`\(edge.from)` already escalates to another node; one cascade edge leaves a node")
            }
        }
    }

    private func problem(_ from: NodeEntry, _ to: NodeEntry, _ edge: EdgeEntry) -> String? {
        switch edge.kind {
        case _ where from.isRefusal: "`\(from.name)` is a refusal, where every walk ends; remove the edge"
        case .hand where to.functionalToken == nil:
            "`\(to.name)` has no functional token, so `\(from.name)` could not name it; give it token: <NAME>"
        case .hand where to.isRefusal && from.kind.word != .master:
            "only a master refuses; `\(from.name)` is none, so remove the edge to `\(to.name)`"
        case .hand where from.functionalFolder == nil:
            "`\(from.name)` has no functional tokens to name `\(to.name)` with; give a node of kind model the folder: that `skein "
                + "train tokens` wrote, or remove the edge"
        case .hand: nil
        case .cascade where !from.answers || !to.answers, .fallback where !to.answers:
            "a \(edge.kind.rawValue) edge leads from a node that answers to another, and "
                + "`\(from.answers ? to.name : from.name)` does not; remove it, or make it kind: hand"
        case .cascade, .fallback: nil
        }
    }

    private func checkMasters(_ section: Section) {
        for node in nodes {
            guard case .master(let settings) = node.kind else { continue }
            let targets = edges(from: node.name).filter { $0.kind == .hand }.map(\.to)
            if targets.isEmpty {
                section.issues.add(
                    line: node.line, key: "nodes",
                    "master `\(node.name)` has nobody to hand to; give edges: [{from: \(node.name), to: […]}]")
            } else if !targets.contains(settings.general) || self.node(settings.general)?.answers == false {
                let answering = targets.filter { self.node($0)?.answers == true }
                section.issues.add(
                    line: settings.generalLine, key: "nodes",
                    "`\(settings.general)`, the general node of `\(node.name)`, is none that it hands to and that answers"
                        + "\(suggestion(for: settings.general, among: answering)) (one of "
                        + "\(answering.joined(separator: ", ")))")
            }
        }
    }

    private func checkReach(_ section: Section) {
        let reached = depths
        for node in nodes where reached[node.name] == nil {
            section.issues.add(
                line: node.line, key: "nodes",
                "nobody reaches `\(node.name)`; draw an edge to it, make it the default_node, or say entry: true")
        }
    }

    private func checkCycles(_ section: Section) {
        guard walk.stepsMax == nil, let edge = edgeThatClosesCycle else { return }
        section.issues.add(
            line: edge.line, key: "edges",
            "the edge from `\(edge.from)` to `\(edge.to)` closes a cycle; bound it with walk: {steps_max: N}, or remove it"
        )
    }

    /// The first edge, in the file's order, that leads to a node already on the path (depth first, without recursion: a file
    /// of thousands of nodes in one chain must not exhaust a stack).
    private var edgeThatClosesCycle: EdgeEntry? {
        let leaving = Dictionary(grouping: edges, by: \.from)
        var done: Set<String> = []
        for start in nodes.map(\.name) where !done.contains(start) {
            var onPath: Set<String> = [start]
            var path: [(name: String, next: Int)] = [(start, 0)]
            while let (name, next) = path.last {
                guard let out = leaving[name], next < out.count else {
                    onPath.remove(name)
                    done.insert(name)
                    path.removeLast()
                    continue
                }
                path[path.count - 1].next += 1
                let edge = out[next]
                if onPath.contains(edge.to) { return edge }
                guard !done.contains(edge.to) else { continue }
                onPath.insert(edge.to)
                path.append((edge.to, 0))
            }
        }
        return nil
    }
}
