import Inference
import Kernels
import Testing
import Weights

/// Promise P1: a sequence's logits do not depend on neighbours, chunks, threads or instruction set, to the bit.
@Suite("Placement is invisible")
struct PlacementTests {
    static let modes: [ComputeMode] = [.exact, .fast]

    @Test(arguments: TinyModelTests.names)
    func tinyModels(name: String) throws {
        let model = try TestModels.tiny(name)
        let ids = (0..<48).map { Int32(($0 * 31 + 7) % 96) }
        let reference = try model.logits(ids)
        for set in InstructionSet.available {
            for threads in [1, 2] {
                let team = ComputeTeam(threads: threads)
                for chunk in [1, 7, 48] {
                    let rows = try model.logits(ids, chunk: chunk, team: team, instructionSet: set)
                    #expect(same(rows, reference), "\(set), \(threads) threads, chunks of \(chunk)")
                }
            }
        }
        try amongOthers(model, prompt: Array(ids.prefix(20)), count: 6, vocabulary: 96)
    }

    /// A digest over all logits stands for them: 49,152 numbers per position.
    @Test(arguments: modes)
    func chunksThreadsAndInstructionSetsOnTheDefaultModel(mode: ComputeMode) throws {
        let model = try TestModels.standard(mode)
        let ids = Array(try DefaultGolden.read().score.ids.prefix(96))
        let reference = try model.score(ids, team: TestModels.team, chunk: 512)
        for chunk in [1, 7] {
            let score = try model.score(ids, team: TestModels.team, chunk: chunk)
            #expect(score == reference, "chunks of \(chunk)")
        }
        // The portable kernels are slow: fewer tokens, in chunks that fill tiles of six rows and leave some over.
        let few = Array(ids.prefix(16))
        let shortReference = try model.score(few, team: TestModels.team)
        let alone = ComputeTeam(threads: 1)
        for set in InstructionSet.available {
            #expect(
                try model.score(few, team: alone, instructionSet: set, chunk: 8) == shortReference, "\(set), 1 thread")
        }
    }

    /// 512 tokens at once against chunks of 7 and 100, with pages of the cache in between.
    @Test(arguments: modes)
    func longChunksOnTheDefaultModel(mode: ComputeMode) throws {
        let model = try TestModels.standard(mode)
        let ids = try DefaultGolden.read().score.ids
        let last = try [512, 100, 7].map { chunk in
            var engine = EngineLimits(
                tokensPerStepMax: max(chunk, 1), sequencesMax: 1, contextMax: 600, keyValuePagesMax: 10)
            engine.promptTokensBesideDecodingMax = chunk
            let made = try Engine(model: model, limits: engine, team: TestModels.team)
            _ = try made.complete(GenerationRequest(prompt: ids, maxTokens: 1))
            return made.lastLogits(0)
        }
        #expect(same([last[1]], [last[0]]) && same([last[2]], [last[0]]))
    }

    @Test(arguments: modes)
    func amongFifteenOthersOnTheDefaultModel(mode: ComputeMode) throws {
        let ids = try DefaultGolden.read().score.ids
        try amongOthers(TestModels.standard(mode), prompt: Array(ids.prefix(40)), count: 4, vocabulary: 49152)
    }

    /// The same request alone and as the last of 16 whose prompts have other lengths: tokens and every step's logits are equal.
    private func amongOthers(_ model: LanguageModel, prompt: [Int32], count: Int, vocabulary: Int) throws {
        let context = min(model.configuration.contextLength, 256)
        let limits = EngineLimits(
            tokensPerStepMax: 50, promptTokensBesideDecodingMax: 13, sequencesMax: 16, contextMax: context,
            keyValuePagesMax: 64)
        let request = GenerationRequest(prompt: prompt, maxTokens: count, topLogprobs: 5)
        let alone = try Engine(model: model, limits: limits, team: TestModels.team).complete(request)
        let others = (0..<15).map { index in
            GenerationRequest(
                prompt: (0..<(3 * index + 1)).map { Int32(($0 * 17 + index * 101) % vocabulary) },
                sampling: SamplingOptions(temperature: 1, seed: UInt64(index)), maxTokens: count + index % 3)
        }
        let engine = try Engine(model: model, limits: limits, team: TestModels.team)
        let together = try engine.complete(others + [request])
        // Log probabilities of six tokens per step come from all logits of the row.
        #expect(together[15] == alone)
        #expect(alone.tokens.count == count)
    }
}

/// Equal bits: -0 and 0 differ, a NaN equals itself.
func same(_ a: [[Float]], _ b: [[Float]]) -> Bool {
    a.count == b.count && zip(a, b).allSatisfy { $0.map(\.bitPattern) == $1.map(\.bitPattern) }
}
