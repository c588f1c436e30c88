import Deciding
import PortableMath
import Testing

/// Confidence from an answer's mean log-probability.
struct PlattTests {
    /// Answers whose rightness follows a = 3, b = 2, each probability by as many examples as it says.
    private static var examples: [PlattScaling.Example] {
        let truth = PlattScaling(a: 3, b: 2)
        return (0..<40).flatMap { index -> [PlattScaling.Example] in
            let l = -2 * Double(index) / 40
            let right = Int((200 * truth.probability(meanLogprob: l)).rounded())
            return (0..<200).map { PlattScaling.Example(meanLogprob: l, isRight: $0 < right) }
        }
    }

    @Test func theFitFindsWhatTheExamplesWereMadeWith() throws {
        let fit = try #require(PlattScaling.fit(Self.examples))
        #expect(abs(fit.a - 3) < 0.05 && abs(fit.b - 2) < 0.05, "\(fit)")
    }

    @Test func theFitIsTheMinimum() throws {
        let examples = [(-0.1, true), (-0.2, true), (-0.3, false), (-0.5, true), (-0.9, false), (-1.5, false)]
            .map { PlattScaling.Example(meanLogprob: $0.0, isRight: $0.1) }
        let fit = try #require(PlattScaling.fit(examples))
        func loss(_ scaling: PlattScaling) -> Double {
            examples.reduce(0) { sum, one in
                let p = scaling.probability(meanLogprob: one.meanLogprob)
                let t = one.isRight ? 0.8 : 0.2
                return sum - t * Elementary.logarithm(p) - (1 - t) * Elementary.logarithm(1 - p)
            }
        }
        let least = loss(fit)
        for (da, db) in [(0.01, 0.0), (-0.01, 0.0), (0.0, 0.01), (0.0, -0.01)] {
            #expect(loss(PlattScaling(a: fit.a + da, b: fit.b + db)) > least)
        }
    }

    @Test func separableAnswersGiveFiniteNumbersAndOneKindNone() throws {
        let apart = (1...20).map { PlattScaling.Example(meanLogprob: -Double($0) / 10, isRight: $0 < 8) }
        let fit = try #require(PlattScaling.fit(apart))
        #expect(fit.a.isFinite && fit.b.isFinite && fit.a > 0)
        #expect(PlattScaling.fit(apart.filter(\.isRight)) == nil && PlattScaling.fit([]) == nil)
    }

    @Test func probabilitiesDoNotOverflow() {
        let steep = PlattScaling(a: 1e4, b: 0)
        #expect(steep.probability(meanLogprob: -1e4) == 0 && steep.probability(meanLogprob: 1e4) == 1)
        #expect(PlattScaling(a: 2, b: 1).probability(meanLogprob: -0.5) == 0.5)
    }
}
