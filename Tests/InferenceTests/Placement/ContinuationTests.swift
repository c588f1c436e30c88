import Inference
import Testing

/// A worker that takes over re-reads prompt and answer so far, and goes on as the first one would have.
@Suite("Continuation after a failure")
struct ContinuationTests {
    static let samplings = [
        SamplingOptions.greedy,
        SamplingOptions(temperature: 0.9, topP: 0.95, seed: 42),
        SamplingOptions(
            temperature: 1.2, topK: 40, minP: 0.02, repetitionPenalty: 1.3, repetitionWindow: 12, seed: 7),
    ]

    @Test(arguments: samplings, PlacementTests.modes)
    func continuesWithTheSameTokens(sampling: SamplingOptions, mode: ComputeMode) throws {
        let golden = try DefaultGolden.read()
        let prompt = golden.cases[4].prompt
        let engine = try Engine(
            model: TestModels.standard(mode), limits: EngineLimits(tokensPerStepMax: 32, contextMax: 256),
            team: TestModels.team)
        let whole = try engine.complete(
            GenerationRequest(prompt: prompt, sampling: sampling, maxTokens: 16, topLogprobs: 3))
        #expect(whole.tokens.count == 16 && whole.finish == .length)
        let cuts = [1, 7, 15]
        let parts = try engine.complete(
            cuts.map { cut in
                GenerationRequest(
                    prompt: prompt + whole.tokens.prefix(cut), generatedBefore: cut, sampling: sampling, maxTokens: 16,
                    topLogprobs: 3)
            })
        for (cut, part) in zip(cuts, parts) {
            #expect(part.generated == Array(whole.generated.dropFirst(cut)), "cut after \(cut)")
            #expect(part.finish == .length)
        }
    }
}
