import Foundation
import Inference
import Kernels
import Testing

@Suite("Sampling")
struct SamplerTests {
    private func sample(
        _ logits: [Float], _ options: SamplingOptions, history: [Int32] = [], position: Int = 0, topLogprobs: Int? = nil
    ) throws -> SampledToken {
        var row = logits
        var sampler = Sampler(context: ComputeContext(team: TestModels.team))
        var span = row.mutableSpan
        return try sampler.sample(
            &span, options: options, history: history, position: position, topLogprobs: topLogprobs)
    }

    /// How often each token is drawn over many positions.
    private func frequencies(_ logits: [Float], _ options: SamplingOptions, draws: Int = 20_000) throws -> [Double] {
        var counts = [Double](repeating: 0, count: logits.count)
        for position in 0..<draws {
            counts[Int(try sample(logits, options, position: position).id)] += 1 / Double(draws)
        }
        return counts
    }

    @Test func greedyTakesTheBestAndTheLowerIDOnTies() throws {
        #expect(try sample([0, 3, 1, 3], .greedy).id == 1)
        #expect(try sample([-1, -3, -.infinity, -1], .greedy).id == 0)
    }

    @Test func unrestrictedDrawsFollowTheSoftmaxAtTheTemperature() throws {
        let logits: [Float] = [1, 2, 0, -1]
        for temperature in [Float(0.5), 1, 2] {
            let weights = logits.map { exp(Double($0) / Double(temperature)) }
            let total = weights.reduce(0, +)
            let seen = try frequencies(logits, SamplingOptions(temperature: temperature, seed: 3))
            for (weight, frequency) in zip(weights, seen) { #expect(abs(weight / total - frequency) < 0.015) }
        }
    }

    @Test func topKKeepsTheBestAndTheLowerIDOnTies() throws {
        let seen = try frequencies([1, 1, 1, 0.5], SamplingOptions(temperature: 1, topK: 2, seed: 1), draws: 2000)
        #expect(seen[2] == 0 && seen[3] == 0)
        #expect(abs(seen[0] - 0.5) < 0.05)
    }

    @Test func topPKeepsTheSmallestSetThatReachesIt() throws {
        // Probabilities 0.5, 0.3, 0.15, 0.05.
        let logits = [0.15, 0.5, 0.05, 0.3].map { Float(log($0)) }
        let two = try frequencies(logits, SamplingOptions(temperature: 1, topP: 0.79, seed: 5), draws: 4000)
        #expect(two[0] == 0 && two[2] == 0 && abs(two[1] - 0.625) < 0.03)
        let three = try frequencies(logits, SamplingOptions(temperature: 1, topP: 0.81, seed: 5), draws: 4000)
        #expect(three[0] > 0 && three[2] == 0)
        let one = try frequencies(logits, SamplingOptions(temperature: 1, topP: 0.0001, seed: 5), draws: 200)
        #expect(one[0] == 0 && one[2] == 0 && one[3] == 0)
    }

    @Test func theNucleusOfAFlatRowIsFoundToo() throws {
        // Every token is equally likely: top-p 0.25 of 1000 keeps the 250 lowest ids.
        let seen = try frequencies(
            [Float](repeating: 2, count: 1000), SamplingOptions(temperature: 0.7, topP: 0.25, seed: 9), draws: 500)
        #expect(seen[250...].allSatisfy { $0 == 0 })
        #expect(seen[..<250].reduce(0, +) > 0.999)
    }

    @Test func theNucleusReachesFarDownASteepRow() throws {
        // Thresholds fall by e^-5; this row needs several of them.
        let logits = (0..<40).map { Float(-$0) * 2 }
        let weights = logits.map { exp(Double($0)) }
        let total = weights.reduce(0, +)
        var kept: [Candidate] = []
        var row = TokenWeights()
        row.fill(logits.span, maximum: 0, temperature: 1, ComputeContext(team: TestModels.team))
        Nucleus.gather(row, topP: 0.999_999_9, into: &kept)
        let needed = try #require((1...40).first { weights[..<$0].reduce(0, +) >= Double(Float(0.999_999_9)) * total })
        #expect(kept.count == needed)
    }

    @Test func minPKeepsTokensNearTheBest() throws {
        let logits = [0.6, 0.25, 0.1, 0.05].map { Float(log($0)) }
        let seen = try frequencies(logits, SamplingOptions(temperature: 1, minP: 0.3, seed: 2), draws: 1000)
        #expect(seen[0] > 0 && seen[1] > 0 && seen[2] == 0 && seen[3] == 0)
    }

    @Test func filtersComposeInTheStatedOrder() throws {
        // Top-k 3 leaves 0.4, 0.3, 0.2 of 0.9; top-p 0.75 of that (0.675) needs the first two.
        let logits = [0.4, 0.3, 0.2, 0.1].map { Float(log($0)) }
        let seen = try frequencies(logits, SamplingOptions(temperature: 1, topK: 3, topP: 0.75, seed: 4), draws: 1000)
        #expect(seen[0] > 0 && seen[1] > 0 && seen[2] == 0 && seen[3] == 0)
    }

    @Test func repetitionPenaltyDividesPositiveAndMultipliesNegativeLogitsOnce() throws {
        let options = SamplingOptions(repetitionPenalty: 2, repetitionWindow: 3)
        #expect(try sample([4, 3, -1], options, history: [0, 0, 0]).id == 1)
        // Repeating does not penalise twice: 4 / 2 = 2 stays over 1.5.
        #expect(try sample([4, 1.5, -1], options, history: [0, 0, 0]).id == 0)
        // Outside the window nothing happens.
        #expect(try sample([4, 3, -1], options, history: [0, 2, 2, 2]).id == 0)
        #expect(try sample([-1, -1.5, -3], options, history: [0]).id == 1)
    }

    @Test func logProbabilitiesAreTheModelsOwn() throws {
        let logits: [Float] = [2, 1, 0, -2]
        let total = logits.reduce(0) { $0 + exp(Double($1)) }
        let options = SamplingOptions(repetitionPenalty: 10, repetitionWindow: 8)
        let token = try sample(logits, options, history: [0], topLogprobs: 2)
        #expect(token.id == 1)
        #expect(abs(Double(try #require(token.logprob)) - (1 - log(total))) < 1e-6)
        #expect(token.alternatives.map(\.id) == [0, 1])
        #expect(abs(Double(token.alternatives[0].logprob) - (2 - log(total))) < 1e-6)
        let penalised = try sample(logits, options, history: [1], topLogprobs: 0)
        #expect(abs(Double(try #require(penalised.logprob)) - (2 - log(total))) < 1e-6)
        #expect(penalised.alternatives.isEmpty)
    }

    @Test(
        arguments: [[0, .nan, 1], [.nan, 0, 1], [0, 1, .nan], [.infinity, 0, 1], [-.infinity, -.infinity]] as [[Float]])
    func rowsThatAreNoDistributionFail(logits: [Float]) {
        #expect(throws: UnsoundLogits()) { try sample(logits, .greedy) }
        #expect(throws: UnsoundLogits()) { try sample(logits, SamplingOptions(temperature: 1, topP: 0.9)) }
    }

    @Test func theDrawDependsOnSeedAndPositionOnly() throws {
        let logits = (0..<100).map { Float(($0 * 37) % 19) / 10 }
        let options = SamplingOptions(temperature: 1, seed: 11)
        let one = try (0..<50).map { try sample(logits, options, position: $0).id }
        let again = try (0..<50).reversed().map { try sample(logits, options, position: $0).id }
        #expect(one == again.reversed())
        #expect(Set(one).count > 10)
    }

    @Test(arguments: [
        SamplingOptions(temperature: -1), SamplingOptions(temperature: .nan), SamplingOptions(temperature: 101),
        SamplingOptions(topK: -1), SamplingOptions(topP: 0), SamplingOptions(topP: 1.1), SamplingOptions(minP: -0.1),
        SamplingOptions(minP: 2), SamplingOptions(repetitionPenalty: 0), SamplingOptions(repetitionWindow: -1),
        SamplingOptions(repetitionWindow: 1 << 21),
    ])
    func valuesOutsideTheirRangesAreRefused(options: SamplingOptions) {
        #expect(throws: SamplingOptionsError.self) { try options.validate() }
    }

    @Test func theRangesIncludeTheirEnds() throws {
        try SamplingOptions(temperature: 100, topK: .max, topP: 1, minP: 1, repetitionPenalty: 100).validate()
        try SamplingOptions.greedy.validate()
    }
}
