import Foundation
import Yams

extension ClusterTopology {
    static let fileBytesMax = 1 << 20
    static let keys = [
        "name", "router", "security", "models", "workers", "nodes", "edges", "walk", "default_node", "statistics",
        "log",
    ]

    /// Reads and validates the file at `path`. Model and key files are not looked at: see `verifyFiles`.
    package init(
        contentsOf path: String, environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(TopologyError) {
        try self.init(yaml: Self.text(of: path), path: path, environment: environment)
    }

    /// Reads and validates `yaml`; `path` is where it came from and what relative paths are relative to.
    package init(
        yaml: String, path: String, environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(TopologyError) {
        let issues = IssueList(path: path)
        let root = try Self.root(of: yaml, path: path)
        guard let section = Section(root, keyPath: "", keys: Self.keys, issues: issues) else {
            throw TopologyError(issues: issues.issues)
        }
        let topology = ClusterTopology(reading: section, path: path, environment: environment)
        topology.checkRules(section)
        try issues.throwIfAny()
        self = topology
    }

    private init(reading section: Section, path: String, environment: [String: String]) {
        let name = section.name("name", missing: "give the cluster a name") ?? "unnamed"
        let paths = ClusterPaths(topologyPath: path, clusterName: name, environment: environment)
        self.name = name
        self.paths = paths
        let routerSection = section.part("router", keys: RouterEntry.keys)
        router = RouterEntry(reading: routerSection, paths: paths)
        security = SecurityEntry(reading: section.part("security", keys: SecurityEntry.keys), paths: paths)
        let models = section.sections("models", keys: ModelEntry.keys, countMax: ModelEntry.countMax)
            .compactMap { ModelEntry(reading: $0, paths: paths) }
        self.models = models
        let trunk = TrunkEntry.read(routerSection, models: models, paths: paths)
        workers =
            section.sections("workers", keys: WorkerEntry.keys, countMax: WorkerEntry.countMax)
            .flatMap { WorkerEntry.read($0, models: models, paths: paths) } + [trunk].compactMap(\.self)
        let nodes =
            section.has("nodes")
            ? section.sections("nodes", keys: NodeEntry.keys, countMax: NodeEntry.countMax)
                .compactMap { NodeEntry(reading: $0, models: models, paths: paths, inGraph: section.has("edges")) }
            : models.map(NodeEntry.init(standingFor:))
        self.nodes = nodes
        edges = section.sections("edges", keys: EdgeEntry.keys, countMax: EdgeEntry.countMax).flatMap(EdgeEntry.read)
        walk = WalkEntry(reading: section.part("walk", keys: WalkEntry.keys))
        defaultNode = section.text("default_node") ?? (nodes.count == 1 ? nodes.first?.name : nil)
        statistics = StatisticsEntry(
            reading: section.part("statistics", keys: StatisticsEntry.keys), paths: paths)
        log = LogEntry(reading: section.part("log", keys: LogEntry.keys))
    }
}

// MARK: From file to node

extension ClusterTopology {
    private static func text(of path: String) throws(TopologyError) -> String {
        func failure(_ message: String) -> TopologyError {
            TopologyError(issues: [.init(path: path, line: nil, key: "", message: message)])
        }
        // A link's target counts. The descriptors of process substitution are links to pipes without a name: they can be read.
        let place = URL(filePath: path).resolvingSymlinksInPath().path
        switch try? FileManager.default.attributesOfItem(atPath: place)[.type] as? FileAttributeType {
        case .typeDirectory: throw failure("is a folder; give the topology file in it")
        // Opening a pipe that nobody writes to would wait for ever.
        case .typeUnknown: throw failure("is a pipe; give a topology file")
        default: break
        }
        let data: Data
        do {
            guard let handle = FileHandle(forReadingAtPath: path) else {
                throw CocoaError(.fileReadNoSuchFile)
            }
            data = try handle.read(upToCount: fileBytesMax + 1) ?? Data()
        } catch {
            let exists = FileManager.default.fileExists(atPath: path)
            throw failure(
                exists ? "cannot be read; check its permissions" : "no such file; give the path of a topology")
        }
        guard data.count <= fileBytesMax else {
            throw failure("is larger than \(fileBytesMax) bytes, which no topology is; check the path")
        }
        guard let text = String(data: data, encoding: .utf8) else {
            throw failure("is not UTF-8 text; check the path, or save it as UTF-8")
        }
        return text
    }

    private static func root(of yaml: String, path: String) throws(TopologyError) -> Node {
        do {
            if let root = try Parser(yaml: yaml).singleRoot() { return root }
            throw TopologyError(
                issues: [.init(path: path, line: 1, key: "", message: "is empty; see topology/quickstart.yaml")])
        } catch let error as TopologyError {
            throw error
        } catch {
            throw TopologyError(issues: [issue(of: error, in: yaml, path: path)])
        }
    }

    /// A YAML error with its line. Yams stops at the first.
    private static func issue(of error: any Error, in yaml: String, path: String) -> TopologyError.Issue {
        switch error as? YamlError {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            .init(path: path, line: mark.line, key: "", message: "is not YAML here: \(problem)")
        case .duplicatedKeysInMapping(let duplicates, let context):
            .init(
                path: path,
                line: RepeatedKey(duplicates.sorted().first ?? "", in: yaml, firstAt: context.mark).line,
                key: duplicates.sorted().first ?? "",
                message: "is given more than once in one mapping, first at line \(context.mark.line); keep one")
        case .reader(let problem, _, _, _):
            .init(path: path, line: nil, key: "", message: "is not YAML: \(problem)")
        default:
            .init(path: path, line: nil, key: "", message: "is not YAML")
        }
    }
}
