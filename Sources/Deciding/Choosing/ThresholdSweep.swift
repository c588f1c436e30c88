/// What becomes of labelled queries as thresholds move: quality against cost, and refusals.
package struct ThresholdSweep: Sendable {
    package struct Query: Sendable {
        package let reading: MasterReading
        /// The right node.
        package let node: Int

        package init(_ reading: MasterReading, node: Int) {
            self.reading = reading
            self.node = node
        }
    }

    /// All answering nodes but the general one have this threshold.
    package struct CostPoint: Sendable, Equatable, Encodable {
        package let threshold: Double
        /// The share of queries that the right node answers or refuses.
        package let quality: Double
        /// Of one query.
        package let meanCost: Double
        /// The share of queries that go to the general node.
        package let general: Double
    }

    /// All refusals have this threshold.
    package struct RefusalPoint: Sendable, Equatable, Encodable {
        package let threshold: Double
        package let refused: Double
        /// Of the queries whose right node is a refusal, the share that is refused; nil without such queries.
        package let refusedRightly: Double?
        /// Of the others, the share that is refused.
        package let refusedWrongly: Double?
    }

    private let queries: [Query]
    private let rules: DecisionRules

    /// - Parameter queries: not empty.
    package init(_ queries: [Query], _ rules: DecisionRules) {
        precondition(!queries.isEmpty, "no queries")
        self.queries = queries
        self.rules = rules
    }

    /// - Parameter costs: of one query at each node; a refusal's too.
    package func costs(_ costs: [Double], at thresholds: [Double]) -> [CostPoint] {
        precondition(costs.count == rules.kinds.count, "\(costs.count) costs, \(rules.kinds.count) nodes")
        return thresholds.map { threshold in
            let verdicts = verdicts { node in
                rules.answers(node) && node != rules.general ? .answer(threshold: threshold) : rules.kinds[node]
            }
            let nodes = verdicts.map(Self.nodes)
            let right = zip(queries, nodes).count { $1.first == expected($0.node) }
            let spent = nodes.joined().reduce(0.0) { $0 + costs[$1] }
            return CostPoint(
                threshold: threshold, quality: share(right), meanCost: spent / Double(queries.count),
                general: share(nodes.count { $0.first == rules.general }))
        }
    }

    /// The point of the best quality whose mean cost is within the budget; of equal ones the cheapest, then the first.
    package static func best(_ points: [CostPoint], budget: Double) -> CostPoint? {
        points.filter { $0.meanCost <= budget }.enumerated()
            .min {
                (-$0.element.quality, $0.element.meanCost, $0.offset) < (
                    -$1.element.quality, $1.element.meanCost, $1.offset
                )
            }?
            .element
    }

    package func refusals(at thresholds: [Double]) -> [RefusalPoint] {
        thresholds.map { threshold in
            let refused = verdicts { node in
                rules.answers(node) ? rules.kinds[node] : .refusal(threshold: threshold)
            }.map { if case .refuse = $0 { true } else { false } }
            let ought = queries.map { !rules.answers($0.node) }
            func rate(_ kind: Bool) -> Double? {
                let own = zip(refused, ought).filter { $0.1 == kind }
                return own.isEmpty ? nil : Double(own.count { $0.0 }) / Double(own.count)
            }
            return RefusalPoint(
                threshold: threshold, refused: share(refused.count { $0 }), refusedRightly: rate(true),
                refusedWrongly: rate(false))
        }
    }

    /// A node that is out of play is answered for by the general one.
    private func expected(_ node: Int) -> Int {
        rules.answers(node) && !rules.inPlay[node] ? rules.general : node
    }

    private func verdicts(_ kind: (Int) -> DecisionRules.Kind) -> [Decision.Verdict] {
        var moved = rules
        moved.kinds = rules.kinds.indices.map(kind)
        return queries.map { Decision($0.reading, moved).verdict }
    }

    private static func nodes(_ verdict: Decision.Verdict) -> [Int] {
        switch verdict {
        case .go(let nodes, _): nodes
        case .refuse(let node): [node]
        case .nobody: []
        }
    }

    private func share(_ count: Int) -> Double { Double(count) / Double(queries.count) }
}
