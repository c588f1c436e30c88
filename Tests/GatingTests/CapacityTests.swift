import Gating
import Testing

/// Tables computed by hand from the two public implementations' rules.
@Suite struct CapacityTests {
    @Test(arguments: [
        // tokens, experts, k, factor, colossal, flaxformer
        (8, 4, 2, 1.25, 6, 4),  // ⌊5⌋ to even; 2.5 to 2, at least 4
        (24, 4, 2, 1.25, 16, 8),  // ⌊15⌋ to even; 7.5 to 8
        (100, 32, 2, 1.25, 8, 4),  // ⌊7.8⌋ to even; 3.9
        (100, 32, 2, 2.0, 12, 6),  // ⌊12.5⌋; 6.25
        (1, 32, 2, 2.0, 4, 4),  // the minimum: decoding never drops
        (72, 16, 2, 1.0, 10, 4),  // ⌊9⌋ to even; 4.5 to 4
    ])
    func slots(_ row: (Int, Int, Int, Double, Int, Int)) throws {
        let (tokens, experts, topK, factor, colossal, flaxformer) = row
        #expect(
            try CapacityMode.colossal(factor: factor).slots(tokens: tokens, experts: experts, topK: topK) == colossal)
        #expect(
            try CapacityMode.flaxformer(factor: factor).slots(tokens: tokens, experts: experts, topK: topK)
                == flaxformer)
        #expect(try CapacityMode.dropless.slots(tokens: tokens, experts: experts, topK: topK) == nil)
    }

    @Test func aCapacityOfNothingIsRefused() {
        for factor in [0, -1, Double.nan, .infinity] {
            #expect(throws: LayerGateError.self) {
                try CapacityMode.colossal(factor: factor).slots(tokens: 8, experts: 4, topK: 2)
            }
            #expect(throws: LayerGateError.self) {
                try CapacityMode.flaxformer(factor: factor).slots(tokens: 8, experts: 4, topK: 2)
            }
        }
        #expect(throws: LayerGateError.self) {
            try CapacityMode.colossal(factor: 1, minimum: 0).slots(tokens: 8, experts: 4, topK: 2)
        }
    }

    /// First and second choice of six tokens among three experts.
    let choices = [(0, 1), (0, 1), (1, 0), (0, 2), (0, 1), (0, 1)].map { first, second in
        LayerChoice(experts: [Int32(first), Int32(second)], weights: [0.6, 0.3])
    }

    /// ⌊2 · 1 · 6 / 3⌋ = 4. First choices: expert 0 takes tokens 0, 1, 3, 4 and refuses 5; expert 1 takes 2. Second choices: expert 1
    /// takes 0, 1, 4 and refuses 5; expert 0 refuses 2.
    @Test func colossalFillsFirstChoicesFirst() throws {
        let slots = try CapacityMode.colossal(factor: 1).slots(tokens: 6, experts: 3, topK: 2)
        let plan = CapacityPlan(choices, experts: 3, slots: slots)
        #expect(plan.drops.map(\.token) == [5, 2, 5])
        #expect(plan.drops.map(\.rank) == [0, 1, 1])
        #expect(plan.drops.map(\.expert) == [0, 0, 1])
        #expect(plan.demand == [6, 5, 1])
        #expect(plan.dropsByRank(2) == [1, 2])
        #expect(plan.dropsByPosition(buckets: 3, tokens: 6) == [0, 1, 2])
        let kept = plan.kept(of: choices)
        #expect(kept[2] == LayerChoice(experts: [1], weights: [0.6]))
        #expect(kept[5] == LayerChoice(experts: [], weights: []))
        #expect(kept[0] == choices[0])
    }

    /// 1.25 · 6 / 3 = 2.5, to 2 with a minimum of 1.
    @Test func flaxformerDropsInTheSameOrder() throws {
        let slots = try CapacityMode.flaxformer(factor: 1.25, minimum: 1).slots(tokens: 6, experts: 3, topK: 2)
        #expect(slots == 2)
        let plan = CapacityPlan(choices, experts: 3, slots: slots)
        #expect(plan.drops.map(\.token) == [3, 4, 5, 1, 2, 4, 5])
        #expect(plan.drops.map(\.rank) == [0, 0, 0, 1, 1, 1, 1])
        #expect(plan.drops.map(\.expert) == [0, 0, 0, 1, 0, 1, 1])
    }

    @Test func droplessKeepsAll() {
        let plan = CapacityPlan(choices, experts: 3, slots: nil)
        #expect(plan.drops.isEmpty)
        #expect(plan.kept(of: choices) == choices)
    }
}
