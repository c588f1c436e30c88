import Gating
import Testing

/// Values computed by hand.
@Suite struct LoadTests {
    private func choice(_ experts: Int32...) -> LayerChoice {
        LayerChoice(experts: experts, weights: experts.map { _ in 1 / Float(experts.count) })
    }

    /// Four experts, k = 2; loads 4, 2, 1, 1 of 8.
    private func load() -> LayerLoad {
        var load = LayerLoad(experts: 4)
        for choice in [choice(0, 1), choice(1, 0), choice(0, 2), choice(3, 0)] {
            load.add(choice, logits: ([0, 0, 0, 0] as [Float]).span)
        }
        return load
    }

    @Test func balance() throws {
        let load = load()
        #expect(load.tokens == 4 && load.rows == [4, 2, 1, 1] && load.weights == [2, 1, 0.5, 0.5])
        #expect(load.shares == [0.5, 0.25, 0.125, 0.125])
        // Deviations 1/4, 0, -1/8, -1/8: √((1/16 + 1/64 + 1/64) / 4) / (1/4) = √(3/32) · … = 0.6124
        #expect(abs(try #require(load.coefficientOfVariation) - 0.375.squareRoot()) < 1e-12)
        #expect(load.maxOverMean == 2)
        // (1/2 ln 2 + 1/4 ln 4 + 2/8 ln 8) / ln 4 = 1.75 / 2
        #expect(abs(try #require(load.normalisedEntropy) - 0.875) < 1e-12)
    }

    @Test func lossesOfEvenLogits() throws {
        // P_i = 1/4, Σ f_i = 2: 4 · 1/4 · 2 = 2, the balanced value; z = (ln 4)².
        let load = load()
        #expect(abs(try #require(load.balanceLoss) - 2) < 1e-12)
        #expect(abs(try #require(load.routerZLoss) - 1.921_812_055_672_8056) < 1e-12)
    }

    @Test func lossesOfUnevenLogits() throws {
        var load = LayerLoad(experts: 2)
        // p = (3/4, 1/4); the sum of exponentials is 4.
        load.add(choice(0), logits: ([1.098_612_3, 0] as [Float]).span)
        #expect(abs(try #require(load.balanceLoss) - 1.5) < 1e-6)
        #expect(abs(try #require(load.routerZLoss) - 1.921_812_055_672_8056) < 1e-6)
    }

    @Test func pairsThatMeet() {
        let pairs = load().coActivation(most: 2)
        #expect(pairs.map(\.first) == [0, 0] && pairs.map(\.second) == [1, 2] && pairs.map(\.tokens) == [2, 1])
        // 2 · 4 / (4 · 2), 1 · 4 / (4 · 1)
        #expect(pairs.map(\.lift) == [1, 1])
    }

    @Test func nothingIsKnownOfNoTokens() {
        let load = LayerLoad(experts: 3)
        #expect(load.coefficientOfVariation == nil && load.maxOverMean == nil && load.normalisedEntropy == nil)
        #expect(load.balanceLoss == nil && load.routerZLoss == nil && load.coActivation(most: 3).isEmpty)
        #expect(load.shares == [0, 0, 0])
    }

    @Test func specialisation() throws {
        var tokens = Specialisation(experts: 4)
        for _ in 0..<4 { tokens.add([0, 1], group: 7) }
        for expert in 0..<4 as Range<Int32> { tokens.add([expert, (expert + 1) % 4], group: 9) }
        tokens.add([2, 3], group: 11)
        let spread = try #require(tokens.spread(tokensAbove: 3))
        #expect(spread.groups == 2 && spread.tokens == 8)
        // Group 7: shares 1/2, 1/2, 0, 0, deviation 1/4; group 9 is even.
        #expect(abs(spread.deviation - 0.125) < 1e-12)
        // √(1/2 · 1/2 / (4 · 4)) = 1/8 of both.
        #expect(abs(spread.evenDeviation - 0.125) < 1e-12)
        #expect(tokens.spread(tokensAbove: 4) == nil)
        #expect(tokens.top(2, of: 0).map(\.group) == [7, 9] && tokens.top(2, of: 0).map(\.tokens) == [4, 2])
        #expect(tokens.top(5, of: 3).map(\.group) == [9, 11])
    }

    @Test func overlapOfTwoCheckpoints() {
        var (one, two) = (Specialisation(experts: 4), Specialisation(experts: 4))
        for _ in 0..<2 { one.add([0, 1], group: 5) }
        for _ in 0..<2 { two.add([1, 2], group: 5) }
        one.add([3], group: 6)
        #expect(one.overlap(with: two, tokensAbove: 1) == 0.5)
        #expect(one.overlap(with: one, tokensAbove: 0) == 1)
        #expect(one.overlap(with: two, tokensAbove: 2) == nil)
    }

    @Test func memoryIsBounded() {
        var tokens = Specialisation(experts: 2, groupsMax: 3)
        for group in 0..<5 as Range<Int32> { tokens.add([0], group: group) }
        tokens.add([1], group: 2)
        #expect(tokens.ignoredTokens == 2)
        #expect(tokens.spread(tokensAbove: 0)?.tokens == 4)
    }
}
