import Deciding
import Routing
import Topology

extension ClusterTopology {
    /// Nodes from which a query walks; from the others it goes to their model straight away.
    var walkingNodes: Set<String> {
        Set(
            nodes.filter { node in
                switch node.kind {
                case .model, .routed: node.ownFolder != nil || !edges(from: node.name).isEmpty
                case .adapter, .endpoint, .refusal, .master: true
                }
            }
            .map(\.name))
    }
}

extension NodeGraph {
    package init(_ topology: ClusterTopology) {
        self.init()
        for node in topology.nodes { nodes[node.name] = GraphNode(node, topology) }
        stepsMax = topology.walk.stepsMax ?? min(64, topology.nodes.count + 1)
        millisecondsMax = UInt64(topology.walk.millisecondsMax)
    }
}

extension GraphNode {
    fileprivate init(_ node: NodeEntry, _ topology: ClusterTopology) {
        self.init(node.name, Work(node))
        functionalToken = node.functionalToken
        wantsRewrite = node.wants != .original
        threshold = Double(node.threshold)
        cost = Double(node.cost)
        clients = node.clients.map(Set.init)
        maxTokens = node.maxTokens
        deadlineMilliseconds = node.deadlineMilliseconds.map { UInt64($0) }
        let edges = topology.edges(from: node.name)
        hands = edges.filter { $0.kind == .hand }.map(\.to)
        fallbacks = edges.filter { $0.kind == .fallback }.map(\.to)
        cascade = edges.first { $0.kind == .cascade }.map { edge in
            Cascade(
                to: edge.to, threshold: Double(edge.threshold ?? 0),
                calibration: edge.calibration.map { PlattScaling(a: Double($0.a), b: Double($0.b)) })
        }
    }
}

extension GraphNode.Work {
    fileprivate init(_ node: NodeEntry) {
        self =
            switch node.kind {
            case .model where node.ownFolder != nil: .model(node.masterHolding, nil)
            case .model(let name), .routed(let name): .model(name, nil)
            case .adapter(let model, let expert): .model(model, RouteOptions(method: "single:\(expert)"))
            case .endpoint: .endpoint
            case .refusal(let message): .refusal(message: message)
            case .master(let settings): .master(Master(node, settings))
            }
    }
}

extension Master {
    fileprivate init(_ node: NodeEntry, _ settings: MasterSettings) {
        self.init(model: node.masterHolding, general: settings.general)
        massMin = Double(settings.massMin)
        stayMargin = Double(settings.stayMargin)
        top = settings.top
        reassembly = Routing.Reassembly(settings.reassembly)
        costWeight = Double(settings.costWeight)
        loadWeight = Double(settings.loadWeight)
        rewriteBytesMax = settings.rewriteBytesMax
    }
}

extension Routing.Reassembly {
    fileprivate init(_ settings: Topology.Reassembly) {
        self =
            switch settings {
            case .first: .first
            case .concatenate: .concatenate
            case .vote: .vote
            }
    }
}
