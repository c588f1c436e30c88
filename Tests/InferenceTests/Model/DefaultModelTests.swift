import Foundation
import Inference
import Testing

@Suite("The default model against transformers on its dequantised weights")
struct DefaultModelTests {
    @Test func greedyTokensAreEqual() throws {
        let golden = try DefaultGolden.read()
        let engine = try Engine(
            model: TestModels.standard(.exact), limits: EngineLimits(), team: TestModels.team)
        let outcomes = try engine.complete(
            golden.cases.map { GenerationRequest(prompt: $0.prompt, maxTokens: $0.tokens.count) })
        #expect(golden.cases.count >= 8)
        for (golden, ours) in zip(golden.cases, outcomes) {
            #expect(ours.tokens == golden.tokens, "\(golden.name)")
            #expect(ours.finish == .length)
        }
    }

    @Test func logitsAndScoreAgree() throws {
        let golden = try DefaultGolden.read().score
        var worst: Float = 0
        let rows = Dictionary(uniqueKeysWithValues: golden.rows.map { ($0.position, $0) })
        let score = try TestModels.standard(.exact).score(
            golden.ids, team: TestModels.team,
            visit: { position, logits in
                guard let row = rows[position] else { return }
                for (id, value) in zip(row.topIDs, row.topValues) { worst = max(worst, abs(logits[id] - value)) }
                for (index, value) in row.sample.enumerated() {
                    worst = max(worst, abs(logits[index * row.stride] - value))
                }
            })
        #expect(worst < 2e-3, "largest difference \(worst)")
        #expect(abs(score.meanNLL - golden.meanNLL) < 1e-4)
        #expect(score.tokens == 512)
        print("exact mode: largest logit difference \(worst), mean NLL \(score.meanNLL) against \(golden.meanNLL)")
    }

    /// No oracle has this arithmetic; that 8-bit activations cost little is what makes it the default.
    @Test func fastModePredictsAsWell() throws {
        let golden = try DefaultGolden.read().score
        let score = try TestModels.standard(.fast).score(golden.ids, team: TestModels.team)
        #expect(abs(score.meanNLL - golden.meanNLL) < 0.02)
        print("fast mode: mean NLL \(score.meanNLL) against \(golden.meanNLL)")
    }
}
