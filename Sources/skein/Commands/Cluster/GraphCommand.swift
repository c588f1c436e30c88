import ArgumentParser
import Charts
import Client
import Messaging
import Topology

struct GraphCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "graph", abstract: "Draws the nodes of a topology and who may hand to whom.",
        discussion:
            """
            Validates the file first; nothing has to run. Prints a Mermaid flowchart, or writes an SVG picture. With --reload a running \
            cluster takes the edited graph, as a whole or not at all; that needs a key with the role operator, where the cluster \
            has keys.
            """)

    @Argument(help: "The topology file.") var topologyFile: String
    @Option(help: ArgumentHelp("Write an SVG picture there instead.", valueName: "file")) var svg: String?

    @Option(help: ArgumentHelp("With --reload: the operator's secret key file, for a TCP endpoint.", valueName: "file"))
    var key: String?
    @Flag(help: "The running cluster of this topology takes the graph.") var reload = false

    func run() async throws {
        let topology = try ClusterTopology(contentsOf: topologyFile)
        if reload { return try await reload(topology) }
        let drawing = GraphDrawing(topology)
        guard let svg else { return print(drawing.mermaid, terminator: "") }
        try OutputFile.write(drawing.picture.text, to: svg)
    }

    private func reload(_ topology: ClusterTopology) async throws {
        let client = try await FrontDoor(topology, key: key, serverKey: nil).connect()
        defer { client.close() }
        let changed = try await client.change(ChangeExperts(id: .random(), change: .reloadGraph))
        Terminal.note("\(topology.name) goes by the new graph: \(changed.experts.joined(separator: ", "))")
    }
}

extension GraphDrawing {
    /// Columns are how many edges a node is from the nearest entry.
    init(_ topology: ClusterTopology) {
        let depths = topology.depths
        let positions = Dictionary(
            topology.nodes.enumerated().map { ($0.element.name, $0.offset) }, uniquingKeysWith: { first, _ in first })
        self.init(
            title: topology.name,
            nodes: topology.nodes.map {
                Node(lines: Self.lines($0), column: depths[$0.name] ?? 0, colour: Self.colour($0.kind.word))
            },
            edges: topology.edges.compactMap { edge in
                guard let from = positions[edge.from], let to = positions[edge.to] else { return nil }
                return Edge(from: from, to: to, label: Self.label(edge), isDotted: edge.kind != .hand)
            })
    }

    private static func lines(_ node: NodeEntry) -> [String] {
        let what =
            switch node.kind {
            case .model(let name): "model \(name)"
            case .adapter(let model, let expert): "adapter \(expert) of \(model)"
            case .routed(let model): "routed \(model)"
            case .endpoint(let remote): "endpoint \(remote.url)"
            case .refusal: "refusal"
            case .master(let settings): "master \(settings.model)"
            }
        return [node.name, what] + [node.functionalToken].compactMap(\.self)
    }

    private static func label(_ edge: EdgeEntry) -> String {
        switch edge.kind {
        case .hand: ""
        case .cascade: "under \(edge.threshold ?? 0)"
        case .fallback: "if down"
        }
    }

    private static func colour(_ word: NodeKind.Word) -> Int { NodeKind.Word.allCases.firstIndex(of: word) ?? 0 }
}
