import Inference
import Kernels
import Testing

/// What a token gets depends on its own sequence alone, to the bit (P1).
@Suite struct MixtureSamenessTests {
    @Test(arguments: ["mixtral", "qwen2moe", "olmoe", "openmoe"])
    func noBitDependsOnChunksThreadsOrInstructions(name: String) throws {
        let ids = try MixtureGolden.read(name).ids
        let model = try MixtureGolden.model(name)
        let whole = try model.score(ids, team: TestModels.team).logitsSHA256
        for chunk in [1, 3, 16] {
            #expect(try model.score(ids, team: TestModels.team, chunk: chunk).logitsSHA256 == whole)
        }
        #expect(try model.score(ids, team: ComputeTeam(threads: 1)).logitsSHA256 == whole)
        #expect(
            try model.score(ids, team: TestModels.team, instructionSet: .portable, chunk: 5).logitsSHA256 == whole)
    }

    @Test(arguments: ["mixtral", "qwen2moe", "openmoe"])
    func aSequenceGetsTheSameAmongOthers(name: String) throws {
        let ids = try MixtureGolden.read(name).ids
        let model = try MixtureGolden.model(name)
        let requests = [0..<9, 9..<12, 12..<30, 30..<40].map { range in
            GenerationRequest(prompt: Array(ids[range]), maxTokens: 12, topLogprobs: 4)
        }
        func engine(_ tokens: Int) throws -> Engine {
            try Engine(
                model: model,
                limits: EngineLimits(
                    tokensPerStepMax: tokens, sequencesMax: 4, contextMax: 64, keyValuePagesMax: 8),
                team: TestModels.team)
        }
        let together = try engine(11).complete(requests)
        for (request, outcome) in zip(requests, together) {
            #expect(outcome.tokens.count == 12)
            #expect(try engine(64).complete(request) == outcome)
        }
    }
}
