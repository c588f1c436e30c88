import Testing
import Topology

/// Nodes from line 12 on: master, french, small, big, cloud, unsafe.
private func graph(
    _ nodes: String = "", edges: String? = nil, tail: String = "default_node: master", general: String = "small",
    frenchToken: String = "<french>"
) -> String {
    """
    name: test
    models:
      - name: m
        file: m.gguf
        experts:
          store: store
          names: [french]
    router: {trunk: [m]}
    workers:
      - {name: a, experts: {names: [french]}}
    nodes:
      - {name: master, kind: master, model: m, folder: master, general: \(general)}
      - {name: french, kind: adapter, model: m, expert: french, token: \(frenchToken), wants: rewritten}
      - {name: small, kind: routed, model: m, token: <small>}
      - {name: big, kind: model, model: m, cost: 8}
      - {name: cloud, kind: endpoint, url: "https://host/v1/", model: far, key_variable: FAR_KEY}
      - {name: unsafe, kind: refusal, token: <unsafe>, message: No., threshold: 0.7}
    \(nodes)
    edges:
    \(edges ?? wholeEdges)
    \(tail)
    """
}

/// From line 20 on.
private let wholeEdges = """
      - {from: master, to: [french, small, unsafe]}
      - {from: small, to: [big], kind: cascade, threshold: 0.6}
      - {from: big, to: [cloud], kind: fallback}
    """

private let mistakes: [Mistake] = [
    Mistake(
        "a token bound twice", graph(frenchToken: "<small>"),
        "14: nodes: <small> is already bound to `french` at line 13"),
    Mistake(
        "a token with a blank", graph(frenchToken: "\"<a b>\""), "13: nodes[1].token: `<a b>` is no",
        "20: edges: `french` has no"),
    Mistake(
        "a node that nobody reaches", graph("  - {name: lost, model: m}"), "18: nodes: nobody reaches `lost`"),
    Mistake(
        "a cycle without a bound", graph(edges: wholeEdges + "\n  - {from: cloud, to: [small], kind: fallback}"),
        "23: edges: the edge from `cloud` to `small` closes a cycle"),
    Mistake(
        "an edge to itself", graph(edges: wholeEdges + "\n  - {from: french, to: [french]}"),
        "23: edges: `french` has no functional tokens to name `french` with",
        "23: edges: the edge from `french` to `french` closes a cycle"),
    Mistake(
        "an edge to nobody", graph(edges: wholeEdges + "\n  - {from: smal, to: [big]}"),
        "23: edges: unknown node `smal`; did you mean `small`?"),
    Mistake(
        "an edge twice", graph(edges: wholeEdges + "\n  - {from: master, to: [small]}"),
        "23: edges: the hand edge from `master` to `small` is already at line 20"),
    Mistake(
        "handing to a node without a token", graph(edges: wholeEdges + "\n  - {from: master, to: [big]}"),
        "23: edges: `big` has no functional token"),
    Mistake(
        "an edge out of a refusal", graph(edges: wholeEdges + "\n  - {from: unsafe, to: [french]}"),
        "23: edges: `unsafe` is a refusal"),
    Mistake(
        "a second cascade", graph(edges: wholeEdges + "\n  - {from: small, to: [cloud], kind: cascade, threshold: 1}"),
        "23: edges: `small` already escalates"),
    Mistake(
        "a cascade without a threshold", graph(edges: wholeEdges + "\n  - {from: french, to: [big], kind: cascade}"),
        "23: edges[3].threshold: is missing"),
    Mistake("a general node out of reach", graph(general: "big"), "12: nodes: `big`, the general node of `master`"),
    Mistake("a general node that refuses", graph(general: "unsafe"), "12: nodes: `unsafe`, the general node"),
    Mistake(
        "a master without edges",
        graph("  - {name: m2, kind: master, model: m, folder: f, general: small, entry: true}"),
        "18: nodes: master `m2` has nobody to hand to"),
    Mistake(
        "a key of another kind", graph("  - {name: x, model: m, url: \"https://h\", entry: true}"),
        "18: nodes[6].url: is for nodes of kind endpoint, not model"),
    Mistake(
        "a key in the clear",
        graph("  - {name: x, kind: endpoint, model: m, url: \"http://h/v1\", key_variable: K, entry: true}"),
        "18: nodes[6].url: would send the key in the clear"),
    Mistake(
        "a key in the file",
        graph("  - {name: x, kind: endpoint, model: m, url: \"https://h/v1\", key_variable: sk-123, entry: true}"),
        "18: nodes[6].key_variable: names no environment variable"),
    Mistake(
        "a password in an address",
        graph("  - {name: x, kind: endpoint, model: m, url: \"https://me:pw@h/v1\", entry: true}"),
        "18: nodes[6].url: "),
    Mistake(
        "an adapter of nobody", graph("  - {name: x, kind: adapter, model: m, expert: frensh, entry: true}"),
        "18: nodes[6].expert: unknown expert `frensh` of `m`; did you mean `french`?"),
]

@Suite("Topology: the graph of nodes")
struct GraphTests {
    @Test func everyKindIsRead() throws {
        let topology = try parse(graph())
        #expect(topology.nodes.map(\.kind.word) == [.master, .adapter, .routed, .model, .endpoint, .refusal])
        let master = try #require(topology.node("master"))
        guard case .master(let settings) = master.kind else { return #expect(Bool(false), "\(master.kind)") }
        #expect(settings.folder == "/srv/skein/master" && settings.general == "small" && settings.top == 1)
        #expect(topology.node("french")?.kind == .adapter(model: "m", expert: "french"))
        #expect(topology.node("french")?.wants == .rewritten && topology.node("small")?.wants == .original)
        guard case .endpoint(let remote) = topology.node("cloud")?.kind else { return #expect(Bool(false)) }
        #expect(remote.url == "https://host/v1" && remote.keyVariable == "FAR_KEY" && remote.model == "far")
        #expect(topology.node("unsafe")?.threshold == 0.7 && topology.node("big")?.cost == 8)
        #expect(topology.edges.map(\.kind) == [.hand, .hand, .hand, .cascade, .fallback])
        #expect(topology.edges.map(\.threshold) == [nil, nil, nil, 0.6, nil])
        #expect(
            topology.depths == ["master": 0, "french": 1, "small": 1, "unsafe": 1, "big": 2, "cloud": 3])
    }

    @Test(arguments: mistakes)
    func mistake(_ mistake: Mistake) throws {
        let error = try #require(throws: TopologyError.self) { try parse(mistake.yaml) }
        let found = error.issues.map { "\($0.line.map(String.init) ?? "-"): \($0.key): \($0.message)" }
        #expect(found.count == mistake.issues.count, "\(found)")
        for (found, expected) in zip(found, mistake.issues) {
            #expect(found.hasPrefix(expected))
        }
    }

    @Test("With a bound on its steps a walk may come back")
    func boundedCycle() throws {
        let cycle = wholeEdges + "\n  - {from: cloud, to: [small], kind: fallback}"
        let topology = try parse(graph(edges: cycle, tail: "default_node: master\nwalk: {steps_max: 4}"))
        #expect(topology.walk.stepsMax == 4)
    }

    @Test("Without edges every node is an entry")
    func noEdges() throws {
        let topology = try parse(minimal("nodes: [{name: x, model: m}, {name: y, model: m}]"))
        #expect(topology.depths == ["x": 0, "y": 0])
    }

    @Test("A key over http stays on this machine")
    func keyOnLoopback() throws {
        let node =
            "  - {name: x, kind: endpoint, model: m, url: \"http://127.0.0.1:80/v1\", key_variable: K, entry: true}"
        #expect(try parse(graph(node)).node("x") != nil)
    }

    @Test("A chain of a thousand nodes is checked without recursion, and its one way back is found")
    func longChain() throws {
        let nodes = (0..<1000).map { "{name: n\($0), model: m, token: <n\($0)>}" }.joined(separator: ", ")
        let edges = (0..<999).map { "{from: n\($0), to: [n\($0 + 1)], kind: fallback}" }.joined(separator: ", ")
        let tail = "nodes: [\(nodes)]\ndefault_node: n0\nedges: [\(edges)"
        #expect(try parse(minimal(tail + "]")).depths["n999"] == 999)
        let error = try #require(throws: TopologyError.self) {
            try parse(minimal(tail + ", {from: n999, to: [n0], kind: fallback}]"))
        }
        #expect(error.issues.map(\.message).allSatisfy { $0.contains("`n999` to `n0` closes a cycle") })
    }

    @Test("A cascade's confidence is calibrated by two numbers, both of them")
    func calibration() throws {
        func edge(_ more: String, kind: String = "cascade, threshold: 0.4") throws -> EdgeEntry? {
            let nodes = "nodes: [{name: a, model: m}, {name: b, model: m}]\ndefault_node: a\n"
            return try parse(minimal(nodes + "edges: [{from: a, to: [b], kind: \(kind)\(more)}]")).edges.first
        }
        #expect(try edge("")?.calibration == nil)
        #expect(try edge(", calibration: {a: 2.5, b: -1}")?.calibration == .init(a: 2.5, b: -1))
        for (more, kind, word) in [
            (", calibration: {a: 2.5}", "cascade, threshold: 0.4", "needs a and b"),
            (", calibration: {a: -1, b: 0}", "cascade, threshold: 0.4", "-1"),
            (", calibration: {a: 1, b: 0, c: 2}", "cascade, threshold: 0.4", "c"),
            (", calibration: {a: 1, b: 0}", "fallback", "for edges of kind cascade"),
        ] {
            let error = try #require(throws: TopologyError.self) { _ = try edge(more, kind: kind) }
            #expect(error.description.contains(word), "\(error)")
        }
    }

    @Test("Only a node with functional tokens of its own hands on")
    func handsNeedTokens() throws {
        let text = graph(edges: wholeEdges + "\n  - {from: french, to: [small]}")
        let error = try #require(throws: TopologyError.self) { try parse(text) }
        let found = error.issues.filter { $0.message.contains("has no functional tokens") }
        #expect(found.map(\.line) == [23] && found.first?.message.contains("`small`") == true)
        let nodes = "nodes: [{name: a, model: m, folder: made}, {name: b, model: m, token: <b>}]\ndefault_node: a\n"
        let whole = try parse(minimal(nodes + "edges: [{from: a, to: [b]}]"))
        #expect(
            whole.node("a")?.functionalFolder?.hasSuffix("/made") == true && whole.node("b")?.functionalFolder == nil)
        #expect(whole.masters(of: whole.workers[0]).map(\.masterHolding) == ["master:a"])
    }
}
