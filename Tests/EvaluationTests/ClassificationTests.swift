import Evaluation
import Testing

@Suite("Evaluation: classifiers") struct ClassificationTests {
    @Test("Wilson's interval is that of the textbook, and stays within 0 and 1")
    func wilson() {
        // statsmodels.stats.proportion.proportion_confint(37, 41, method="wilson")
        let interval = Wilson.interval(right: 37, of: 41)
        #expect(abs(interval.low - 0.774523) < 1e-5 && abs(interval.high - 0.961403) < 1e-5)
        #expect(Wilson.interval(right: 0, of: 10).low == 0)
        #expect(Wilson.interval(right: 10, of: 10).high == 1)
        #expect(Wilson.interval(right: 10, of: 10).low > 0.7)
    }

    @Test("Accuracy, macro F1, NLL, Brier and calibration of four examples, by hand")
    func scores() throws {
        let examples = [
            ClassifiedExample(label: 0, shares: [0.8, 0.2]), ClassifiedExample(label: 0, shares: [0.4, 0.6]),
            ClassifiedExample(label: 1, shares: [0.1, 0.9]), ClassifiedExample(label: 1, shares: [0.3, 0.7]),
        ]
        let scores = ClassificationScores(examples)
        #expect(scores.accuracy.value == 0.75)
        #expect(scores.confusion == [[1, 1], [0, 2]])
        // F1: 2 / (2 + 1) and 4 / (2 + 3).
        #expect(abs(scores.macroF1.value - (2.0 / 3 + 0.8) / 2) < 1e-12)
        // -(ln 0.8 + ln 0.4 + ln 0.9 + ln 0.7) / 4
        #expect(abs(scores.nll.value - 0.400_366) < 1e-5)
        // (0.08 + 0.72 + 0.02 + 0.18) / 4
        #expect(abs(scores.brier.value - 0.25) < 1e-12)
        // Bins of their own: |1 - 0.8|, |0 - 0.6|, |1 - 0.9|, |1 - 0.7|, over 4.
        #expect(abs(scores.calibrationError.value - 1.2 / 4) < 1e-9)
        #expect(scores.accuracy.low < 0.75 && scores.accuracy.high > 0.75)
        #expect(try #require(scores.classes[1]).count == 2)
    }

    @Test("A class without examples has no number and no part in the mean")
    func absent() {
        let scores = ClassificationScores([ClassifiedExample(label: 0, shares: [0.9, 0.05, 0.05])])
        #expect(scores.classes[1] == nil && scores.macroF1.value == 1)
    }

    @Test("A certain and wrong answer costs much, not infinitely much")
    func certain() {
        let scores = ClassificationScores([ClassifiedExample(label: 1, shares: [1, 0])])
        #expect(scores.nll.value.isFinite && scores.nll.value > 20 && scores.brier.value == 2)
    }
}

@Suite("Evaluation: baselines") struct BaselineTests {
    @Test("A large direction that all vectors share does not hide what sets them apart")
    func centred() {
        let examples: [(vector: [Float], label: Int)] = [
            ([1000, 1, 0], 0), ([1000, 0.9, 0.1], 0), ([1000, 0, 1], 1), ([1000, 0.1, 0.9], 1),
        ]
        let nearest = NearestNeighbours(examples, classes: 3, neighbours: 2)
        let shares = nearest.shares([1000, 0.8, 0])
        #expect(shares[0] > 0.7 && shares[2] > 0)
        #expect(abs(shares.reduce(0, +) - 1) < 1e-12)
        #expect(nearest.shares([1000, 0, 0.8])[1] > 0.7)
    }

    @Test("n-grams learn words that they have seen in part, the same way twice")
    func ngrams() {
        let examples = [
            ("how long is the river", 0), ("the river is long", 0), ("rivers and lakes", 0),
            ("wie lang ist der Fluss", 1),
            ("der Fluss ist lang", 1), ("Flüsse und Seen", 1),
        ].map { (text: $0.0, label: $0.1) }
        let regression = NgramRegression(examples, classes: 2)
        #expect(regression.shares("a riverbank")[0] > 0.6)
        #expect(regression.shares("das Flussufer")[1] > 0.6)
        #expect(regression.shares("a riverbank") == NgramRegression(examples, classes: 2).shares("a riverbank"))
        #expect(abs(regression.shares("").reduce(0, +) - 1) < 1e-6)
    }
}
