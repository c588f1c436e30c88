import Benchmarking
import Deciding
import RouterService
import Routing
import Topology

/// Whole queries through the routing core, with a worker that answers at once.
struct GraphTrial {
    enum Kind: String, CaseIterable { case plain, walk, rewrite, fan }

    private let graph: NodeGraph
    private let master: String
    private let chosen: [String]
    private let tokens: [String]
    private let models: [String]

    /// Nil without a master that hands to three nodes with models.
    init?(_ topology: ClusterTopology) {
        let graph = NodeGraph(topology)
        self.graph = graph
        guard let name = graph.nodes.values.filter(\.isMaster).map(\.name).min(), let node = graph.nodes[name] else {
            return nil
        }
        master = name
        tokens = node.hands.compactMap { graph.nodes[$0]?.functionalToken }
        let chosen = Array(node.hands.filter { graph.nodes[$0]?.model != nil }.prefix(3))
        self.chosen = chosen
        guard chosen.count == 3 else { return nil }
        models = Set(graph.nodes.values.compactMap { $0.model }).sorted()
    }

    func run(queries: Int, rounds count: Int) -> GraphReport {
        var rounds = Rounds(contestants: Kind.allCases.count, count: count)
        for turn in rounds.turns {
            var talk = Talk(machine(Kind.allCases[turn.contestant]), tokens: tokens, favourites: chosen.compactMap(row))
            for id in 1...UInt64(queries) {
                talk.ask(id, kind: Kind.allCases[turn.contestant], entry: master, chosen[0])
            }
            let microseconds =
                Double(talk.spent.components.attoseconds) / 1e12 + Double(talk.spent.components.seconds) * 1e6
            rounds.record(microseconds / Double(queries), of: turn)
        }
        let kinds = Kind.allCases.enumerated().map { index, kind in
            let samples = rounds.samples(of: index)
            return GraphReport.Kind(
                kind: kind.rawValue, medianMicroseconds: samples.median, minMicroseconds: samples.min,
                maxMicroseconds: samples.max)
        }
        return GraphReport(nodes: graph.nodes.count, queries: queries, rounds: count, kinds: kinds)
    }

    private func row(_ node: String) -> Int? {
        graph.nodes[node]?.functionalToken.flatMap { tokens.firstIndex(of: $0) }
    }

    private func machine(_ kind: Kind) -> RoutingStateMachine {
        var configuration = RoutingConfiguration()
        configuration.graph = graph
        for name in graph.nodes.keys {
            configuration.graph.nodes[name]?.wantsRewrite = kind == .rewrite
            guard kind == .fan, case .master(var settings) = graph.nodes[name]?.work else { continue }
            settings.top = 3
            settings.reassembly = .vote
            configuration.graph.nodes[name]?.work = .master(settings)
        }
        configuration.limits.retainedMax = 64
        var machine = RoutingStateMachine(configuration: configuration, at: Talk.start)
        let holdings = models.map {
            ModelHolding(
                model: $0, sha256: $0, contextLength: 8192, vocabulary: 50_000,
                functionalTokens: $0.hasPrefix("master:") ? tokens : [])
        }
        _ = machine.handle(
            .hello(
                Hello(worker: "w", incarnation: 1, numerics: "n", models: holdings, capacity: 16, ready: true),
                from: Talk.worker), at: Talk.start)
        return machine
    }
}

/// One client and one worker, who answer each directive with the event that it asks for.
private struct Talk {
    static let start = Instant(microseconds: 1_000_000)
    static let worker = WorkerConnection(routingID: [1])
    private static let client = ClientConnection(routingID: [2])

    private var machine: RoutingStateMachine
    private let tokens: [String]
    private let favourites: [Int]
    private(set) var spent = Duration.zero
    private let prompt = Array(Int32(1)...40)

    init(_ machine: RoutingStateMachine, tokens: [String], favourites: [Int]) {
        (self.machine, self.tokens, self.favourites) = (machine, tokens, favourites)
    }

    mutating func ask(_ id: UInt64, kind: GraphTrial.Kind, entry: String, _ node: String) {
        let walks = kind != .plain
        var events: [Event] = [
            .submitted(
                Submission(
                    key: QueryKey(identity: "bench", id: QueryID(high: 0, low: id)), connection: Self.client,
                    digest: BodyDigest(bytes: [UInt8(truncatingIfNeeded: id)]), node: walks ? entry : node,
                    model: machine.configuration.graph.nodes[node]?.model ?? "",
                    prompt: walks ? .encoding : .tokens(prompt), maxTokens: 1, walks: walks))
        ]
        while !events.isEmpty {
            let event = events.removeFirst()
            let clock = ContinuousClock.now
            let directives = machine.handle(event, at: Self.start)
            spent += clock.duration(to: .now)
            for directive in directives { events += answer(directive) }
        }
    }

    private func answer(_ directive: Directive) -> [Event] {
        switch directive {
        case .prepare(let key, let ticket, _): return [.prepared(key, ticket: ticket, promptTokens: prompt)]
        case .assemble(let key, let ticket, _, _): return [.assembled(key, ticket: ticket, bytes: [65])]
        case .assign(let assign):
            if assign.decide {
                var logits = [Float](repeating: -20, count: tokens.count)
                for (place, row) in favourites.enumerated() { logits[row] = -Float(place) / 10 }
                let reading = MasterReading(logits: logits, mass: 0.99)
                return [
                    .ended(Ended(assignment: assign.assignment, kind: .decided, reading: reading), from: Self.worker)
                ]
            }
            let logprobs = assign.topLogprobs > 0 ? [TokenLogprobs(logprob: -0.1)] : []
            return [
                .generated(
                    Generated(assignment: assign.assignment, position: 0, tokens: [5], logprobs: logprobs),
                    from: Self.worker),
                .ended(
                    Ended(
                        assignment: assign.assignment, kind: assign.maxTokens == 1 ? .maxTokens : .endToken),
                    from: Self.worker),
            ]
        default: return []
        }
    }
}

extension GraphNode {
    fileprivate var isMaster: Bool { if case .master = work { true } else { false } }

    /// What workers call its model.
    fileprivate var model: String? {
        switch work {
        case .model(let model, _): model
        case .master(let master): master.model
        case .endpoint, .refusal: nil
        }
    }
}
