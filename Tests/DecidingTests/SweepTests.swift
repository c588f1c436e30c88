import Deciding
import Testing

@Suite("Deciding: what thresholds do")
struct SweepTests {
    /// Nodes: 0 cheap, 1 dear, 2 general, 3 a refusal.
    private var rules: DecisionRules {
        DecisionRules(
            kinds: [.answer(threshold: 0), .answer(threshold: 0), .answer(threshold: 0), .refusal(threshold: 0.5)],
            general: 2)
    }

    private func query(_ logits: [Float], _ node: Int) throws -> ThresholdSweep.Query {
        .init(
            try MasterReading(row: [Float](repeating: -30, count: 10) + logits, functionalTokens: Array(10..<14)),
            node: node)
    }

    private func queries() throws -> [ThresholdSweep.Query] {
        try [
            query([5, 0, 0, 0], 0), query([1, 0, 0, -2], 0), query([0, 4, 0, 0], 1), query([0, 1, 0.5, 0], 2),
            query([0, 0, 3, 1], 2), query([0, 0, 0, 5], 3), query([0.5, 0, 0, 1.5], 3), query([0, 0, 1, 2.5], 0),
        ]
    }

    @Test func costFallsAsMoreGoesToACheapGeneralNode() throws {
        let sweep = ThresholdSweep(try queries(), rules)
        let points = sweep.costs([3, 10, 1, 0], at: stride(from: 0, through: 1, by: 0.05).map { $0 })
        for (one, next) in zip(points, points.dropFirst()) {
            #expect(next.meanCost <= one.meanCost && next.general >= one.general)
        }
        #expect(points[0].quality > points[points.count - 1].quality)
    }

    @Test func aBudgetPicksTheBestPointWithinIt() throws {
        let sweep = ThresholdSweep(try queries(), rules)
        let points = sweep.costs([3, 10, 1, 0], at: [0, 0.5, 0.7, 0.9, 1])
        let all = try #require(ThresholdSweep.best(points, budget: 100))
        #expect(all.quality == points.map(\.quality).max())
        let some = try #require(ThresholdSweep.best(points, budget: 1.5))
        #expect(some.meanCost <= 1.5 && some.quality <= all.quality)
        #expect(ThresholdSweep.best(points, budget: 0) == nil)
    }

    @Test func raisingTheThresholdNeverRefusesMore() throws {
        let sweep = ThresholdSweep(try queries(), rules)
        let points = sweep.refusals(at: stride(from: 0, through: 1, by: 0.02).map { $0 })
        for (one, next) in zip(points, points.dropFirst()) { #expect(next.refused <= one.refused) }
        #expect(points[0].refused == 1 && points[points.count - 1].refused == 0)
        #expect(points[25].refusedRightly ?? 0 > points[25].refusedWrongly ?? 1)
    }

    @Test func aNodeOutOfPlayIsAnsweredForByTheGeneralOne() throws {
        var rules = rules
        rules.inPlay[0] = false
        let point = ThresholdSweep([try query([5, 0, 1, 0], 0)], rules).costs([3, 10, 1, 0], at: [0])[0]
        #expect(point.quality == 1 && point.meanCost == 1)
    }

    /// A node that joins adds a logit and changes no other: the odds among the others stay.
    @Test func aNewTokenLeavesTheOddsOfTheOthers() throws {
        let before: [Float] = [1.25, -0.5, 2]
        let row = [Float](repeating: -9, count: 20)
        let old = try MasterReading(row: row + before, functionalTokens: [20, 21, 22]).distribution(temperature: 1.7)
        let new = try MasterReading(row: row + before + [3], functionalTokens: [20, 21, 22, 23])
            .distribution(temperature: 1.7)
        for one in 0..<3 {
            for other in 0..<3 { #expect(abs(new[one] / new[other] - old[one] / old[other]) < 1e-12) }
        }
    }
}
