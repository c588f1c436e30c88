import Benchmarking
import Testing

@Suite("Benchmarking: samples, pairs and rounds")
struct SamplesTests {
    @Test func theMedianIsTheMiddleOrBetweenTheTwoMiddles() {
        #expect(Samples([5]).median == 5)
        #expect(Samples([9, 1, 5]).median == 5)
        #expect(Samples([4, 1, 3, 2]).median == 2.5)
        #expect(Samples([9, 1, 5]).values == [9, 1, 5])
    }

    /// Expected values: NumPy 2, `numpy.quantile([3, 1, 4, 1, 5, 9, 2], q)`.
    @Test(arguments: [(0.0, 1.0), (0.25, 1.5), (0.5, 3.0), (0.9, 6.6), (1.0, 9.0)])
    func quantilesAreThoseOfNumPy(q: Double, expected: Double) {
        let samples = Samples([3, 1, 4, 1, 5, 9, 2])
        #expect(abs(samples.quantile(q) - expected) < 1e-12)
        #expect((samples.min, samples.max) == (1, 9))
    }

    /// A slow moment meets both of a pair: their ratio does not see it, the quotient of the medians would.
    @Test func ratiosAndDifferencesAreTakenPairByPair() {
        let pairs = Pairs(ours: [20, 10, 4], theirs: [10, 5, 1])
        #expect(pairs.ratios == Samples([2, 2, 4]))
        #expect(pairs.ratios.median == 2)
        #expect(pairs.differences == Samples([10, 5, 3]))
        #expect(pairs.differences.median == 5)
    }

    @Test func contestantsTakeTurnsAndTheFirstRoundIsNotCounted() {
        var rounds = Rounds(contestants: 2, count: 3)
        #expect(rounds.turns.map(\.contestant) == [0, 1, 0, 1, 0, 1, 0, 1])
        #expect(rounds.turns.map(\.isWarmUp) == [true, true, false, false, false, false, false, false])
        for (index, turn) in rounds.turns.enumerated() { rounds.record(Double(index), of: turn) }
        #expect(rounds.samples(of: 0) == Samples([2, 4, 6]))
        #expect(rounds.pairs(ours: 1, theirs: 0) == Pairs(ours: [3, 5, 7], theirs: [2, 4, 6]))
    }

    @Test func withoutWarmUpEveryRoundCounts() {
        let rounds = Rounds(contestants: 3, count: 1, warmUps: 0)
        #expect(rounds.turns.map(\.contestant) == [0, 1, 2])
        #expect(!rounds.turns.contains { $0.isWarmUp })
    }
}
