import Routing

/// Graphs as no operator would draw them, all of which a topology could describe.
enum RandomGraph {
    static let identities = ["anna", "bert"]
    static let models = ["alpha", "beta", "gamma"]
    static let masters = ["m0", "m1"]
    static let answering = (0..<6).map { "n\($0)" }
    static let refusals = ["r0"]
    /// Has functional tokens of its own, and may hand on.
    static let hander = "n5"

    static func token(of node: String) -> String { "<\(node)>" }

    /// Of every master, in the order of the rows.
    static var tokens: [String] { (answering + refusals + ["m1"]).map(token) }

    /// Nobody is asked at once beside others within a branch, so one query has this many at most.
    static let topMax = 4

    static func make(_ chance: inout SplitMix64) -> NodeGraph {
        var graph = NodeGraph()
        graph.stepsMax = chance.within(1...12)
        graph.millisecondsMax = UInt64(chance.within(300...3000))
        for name in answering { graph.nodes[name] = answering(name, &chance) }
        for name in refusals {
            graph.nodes[name] = GraphNode(name, .refusal(message: "Not answered here."))
            graph.nodes[name]?.threshold = 0.6
        }
        for name in masters { graph.nodes[name] = master(name, &chance) }
        if chance.chance(perMille: 500) {
            graph.nodes[hander]?.work = .model("master:\(hander)", nil)
            graph.nodes[hander]?.hands = answering.filter { $0 != hander && chance.chance(perMille: 500) }
        }
        for name in refusals + answering + ["m1"] { graph.nodes[name]?.functionalToken = token(of: name) }
        return graph
    }

    private static func master(_ name: String, _ chance: inout SplitMix64) -> GraphNode {
        var master = Master(model: "master:\(name)", general: chance.pick(answering))
        master.massMin = chance.chance(perMille: 500) ? 0.5 : 0
        master.top = chance.within(1...topMax)
        master.reassembly = chance.pick([.first, .concatenate, .vote])
        master.rewriteBytesMax = 8
        var node = GraphNode(name, .master(master))
        node.hands = answering.filter { $0 == master.general || chance.chance(perMille: 700) } + refusals
        // From the first only: the second is a node among its nodes.
        if name == "m0", chance.chance(perMille: 500) { node.hands.append("m1") }
        node.deadlineMilliseconds = chance.chance(perMille: 300) ? UInt64(chance.within(20...400)) : nil
        return node
    }

    private static func answering(_ name: String, _ chance: inout SplitMix64) -> GraphNode {
        let isRemote = chance.chance(perMille: 300)
        var node = GraphNode(name, isRemote ? .endpoint : .model(chance.pick(models), nil))
        node.wantsRewrite = chance.chance(perMille: 300)
        node.deadlineMilliseconds = chance.chance(perMille: 300) ? UInt64(chance.within(20...600)) : nil
        if chance.chance(perMille: 300) { node.threshold = 0.6 }
        if chance.chance(perMille: 150) { node.clients = [chance.pick(identities)] }
        let others = answering.filter { $0 != name }
        if chance.chance(perMille: 300) { node.fallbacks = [chance.pick(others)] }
        if !isRemote, chance.chance(perMille: 350) {
            node.cascade = .init(to: chance.pick(others), threshold: 0.5)
        }
        return node
    }
}
