import Foundation
import Inference
import Testing

@Suite("Scoring")
struct ScoreTests {
    private let ids = (0..<30).map { Int32(($0 * 29 + 3) % 96) }

    @Test func theMeanFollowsFromTheLogits() throws {
        let model = try TestModels.tiny("llama3")
        let rows = try model.logits(ids)
        var sum = 0.0
        for (row, next) in zip(rows, ids.dropFirst()) {
            sum += log(row.reduce(0) { $0 + exp(Double($1)) }) - Double(row[Int(next)])
        }
        let score = try model.score(ids, team: TestModels.team)
        #expect(abs(score.meanNLL - sum / 29) < 1e-6)
        #expect(score.tokens == 30)
    }

    @Test func theDigestCoversEveryLogit() throws {
        let model = try TestModels.tiny("llama3")
        var other = ids
        other[29] = (other[29] + 1) % 96
        let one = try model.score(ids, team: TestModels.team)
        let two = try model.score(other, team: TestModels.team)
        // Only the last row differs, which no prediction reads; its logits are in the digest.
        #expect(one.logitsSHA256 != two.logitsSHA256)
        #expect(one == (try model.score(ids, team: TestModels.team, chunk: 4)))
    }

    /// An engine scores among other work, in its own chunks, and gives the same bits.
    @Test func anEngineScoresBesideOthers() throws {
        let model = try TestModels.tiny("llama3")
        let others = (0..<5).map { seed in
            GenerationRequest(
                prompt: Array(ids.prefix(3 + seed)), sampling: SamplingOptions(temperature: 1, seed: UInt64(seed)),
                maxTokens: 20)
        }
        for scored in [1, 3, 64] {
            let limits = EngineLimits(
                tokensPerStepMax: 16, promptTokensBesideDecodingMax: 9, scoredTokensPerStepMax: scored, contextMax: 64,
                keyValuePagesMax: 16)
            let engine = try Engine(model: model, limits: limits, team: TestModels.team)
            let requests = [ids, Array(ids.prefix(12))].map {
                GenerationRequest(prompt: $0, maxTokens: 1, scores: true)
            }
            let outcomes = try engine.complete(others + requests + others)
            for (outcome, request) in zip(outcomes[5...6], requests) {
                #expect(outcome.tokens.isEmpty)
                #expect(outcome.finish == .scored(try model.score(request.prompt, team: TestModels.team)))
            }
            #expect(outcomes.prefix(5).map(\.tokens) == outcomes.suffix(5).map(\.tokens))
        }
    }

    @Test func badInputIsRefused() throws {
        let model = try TestModels.tiny("llama3")
        #expect(throws: ScoreError.tooFewTokens(1)) { try model.score([1], team: TestModels.team) }
        #expect(throws: ScoreError.tooManyTokens(65, contextMax: 64)) {
            try model.score([Int32](repeating: 1, count: 65), team: TestModels.team)
        }
        #expect(throws: ScoreError.tokenOutOfVocabulary(id: 96, at: 1, vocabulary: 96)) {
            try model.score([1, 96], team: TestModels.team)
        }
        #expect(throws: ScoreError.invalidChunk(0)) { try model.score([1, 2], team: TestModels.team, chunk: 0) }
    }
}
