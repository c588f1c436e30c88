import Evaluation
import Testing

@Suite("Evaluation") struct EvaluationTests {
    @Test("Quantiles are numpy's")
    func quantiles() {
        // numpy.quantile([1, 2, 4, 8], [0, .25, .5, .9, 1])
        let expected = [(0.0, 1.0), (0.25, 1.75), (0.5, 3.0), (0.9, 6.8), (1.0, 8.0)]
        for (share, value) in expected {
            #expect(abs(Quantile.of(sorted: [1, 2, 4, 8], share) - value) < 1e-12)
        }
        #expect(Quantile.of(sorted: [3], 0.5) == 3)
    }

    @Test("The interval of a mean of many draws is that of the normal distribution")
    func interval() {
        // 400 units of alternating 0 and 1: the mean's standard error is 0.5 / 20 = 0.025, so 95 % lie within 1.96 of it.
        let values = (0..<400).map { Double($0 % 2) }
        let interval = Bootstrap(draws: 4000).interval(numerators: values, denominators: values.map { _ in 1 })
        #expect(abs(interval.low - (0.5 - 1.96 * 0.025)) < 0.005)
        #expect(abs(interval.high - (0.5 + 1.96 * 0.025)) < 0.005)
        #expect(Bootstrap(draws: 4000).interval(numerators: values, denominators: values.map { _ in 1 }) == interval)
        let other = Bootstrap(draws: 4000, seed: 2).interval(numerators: values, denominators: values.map { _ in 1 })
        #expect(other != interval)
    }

    @Test("Means weigh documents by their tokens; pairs make differences sharper than their parts")
    func differences() throws {
        let hard = DocumentLoss(nats: 400, tokens: 100, bytes: 300)
        let easy = DocumentLoss(nats: 10, tokens: 10, bytes: 40)
        let mean = try #require(MeanLoss([hard, easy], bootstrap: Bootstrap()))
        #expect(mean.perToken == 410.0 / 110 && mean.perByte == 410.0 / 340)
        #expect(mean.interval.low == 1 && mean.interval.high == 4)
        let better = [
            DocumentLoss(nats: 390, tokens: 100, bytes: 300), DocumentLoss(nats: 9, tokens: 10, bytes: 40),
        ]
        let difference = try #require(PairedDifference(better, minus: [hard, easy], bootstrap: Bootstrap()))
        #expect(difference.mean == -11.0 / 110)
        #expect(difference.isSignificant && abs(difference.interval.low + 0.1) < 1e-12)
        #expect(MeanLoss([], bootstrap: Bootstrap()) == nil)
    }

    @Test("The lag ends where the right expert is heaviest for a run of tokens")
    func lag() {
        #expect(SwitchLag.tokens(until: 1, heaviest: [1, 1, 1, 0]) == 0)
        #expect(SwitchLag.tokens(until: 1, heaviest: [0, 1, nil, 1, 1, 1]) == 3)
        #expect(SwitchLag.tokens(until: 1, heaviest: [1, 1, 0, 1, 1]) == nil)
        #expect(SwitchLag.tokens(until: 1, heaviest: []) == nil)
    }

    @Test("A curve after a change has the mean loss by distance")
    func curve() {
        var curve = SwitchCurve()
        curve.add([3, 3, 3, 3, 1, 1])
        curve.add([5, 5, 5, 5])
        #expect(curve.means == [4, 1, nil, nil, nil, nil])
    }
}
