import Gating
import Inference
import Kernels
import Testing
import Weights

/// Capacity is counted over one request's whole prompt, and over nothing else (P1); what it drops is counted (P3).
@Suite struct MixtureCapacityTests {
    private static let tight = CapacityMode.flaxformer(factor: 0.25, minimum: 1)

    private static func engine(
        _ model: LanguageModel, _ capacity: CapacityMode, tokens: Int = 64, sequences: Int = 4
    ) throws -> Engine {
        try Engine(
            model: model,
            limits: EngineLimits(
                tokensPerStepMax: tokens, scoredTokensPerStepMax: tokens, sequencesMax: sequences,
                contextMax: 64,
                keyValuePagesMax: 8),
            team: TestModels.team, capacity: capacity)
    }

    /// The drops of a score are those of a plan made by hand from its first layer's choices, which no drop has touched yet.
    @Test(arguments: ["mixtral", "openmoe", "qwen2moe"])
    func dropsAreThePlansDrops(name: String) throws {
        let ids = try MixtureGolden.read(name).ids
        let model = try MixtureGolden.model(name)
        let mixture = try #require(model.configuration.mixture)
        for mode in [Self.tight, .colossal(factor: 0.3, minimum: 1)] {
            var first: [LayerChoice] = []
            var counts: MixtureCounts?
            let observe: MixtureObserver = { _, layer, _, _, choice in
                if layer == mixture.layers[0] { first.append(choice) }
            }
            let score = try model.score(
                ids, team: TestModels.team, capacity: mode, observer: observe, counted: { counts = $0 })
            let slots = try mode.slots(
                tokens: ids.count, experts: mixture.expertCount, topK: mixture.topK)
            let plan = CapacityPlan(first, experts: mixture.expertCount, slots: slots)
            let drops = try #require(counts?.layers.first?.drops)
            #expect(drops.byRank == plan.dropsByRank(mixture.topK))
            #expect(
                drops.byPosition
                    == plan.dropsByPosition(buckets: DropTally.positionBuckets, tokens: ids.count))
            #expect(drops.choices == ids.count * mixture.topK && drops.dropped > 0)
            // All layers, the last included, saw the whole prompt.
            #expect(counts?.layers.allSatisfy { $0.drops.choices == ids.count * mixture.topK } == true)
            #expect(try score.logitsSHA256 != model.score(ids, team: TestModels.team).logitsSHA256)
        }
    }

    /// With slots for all, nothing changes by a bit.
    @Test func aCapacityThatDropsNothingIsDropless() throws {
        let ids = try MixtureGolden.read("mixtral").ids
        let model = try MixtureGolden.model("mixtral")
        let roomy = CapacityMode.colossal(factor: 100)
        let whole = try model.score(ids, team: TestModels.team, capacity: roomy)
        #expect(try whole == model.score(ids, team: TestModels.team))
        let request = GenerationRequest(prompt: Array(ids[..<20]), maxTokens: 12, topLogprobs: 4)
        #expect(
            try Self.engine(model, roomy).complete(request)
                == Self.engine(model, .dropless).complete(request))
    }

    /// Alone, among others, with other threads and instructions, and in an engine's score: the same bits.
    @Test(arguments: ["mixtral", "openmoe"])
    func neighboursTakeNoSlots(name: String) throws {
        let ids = try MixtureGolden.read(name).ids
        let model = try MixtureGolden.model(name)
        let requests = [0..<9, 9..<12, 12..<30, 30..<40].map { range in
            GenerationRequest(prompt: Array(ids[range]), maxTokens: 12, topLogprobs: 4)
        }
        let together = try Self.engine(model, Self.tight).complete(requests)
        for (request, outcome) in zip(requests, together) {
            #expect(outcome.tokens.count == 12)
            #expect(try Self.engine(model, Self.tight, sequences: 1).complete(request) == outcome)
            // 21 rows a step: prompts wait for each other, and none is cut.
            #expect(try Self.engine(model, Self.tight, tokens: 21).complete(requests)[0] == together[0])
        }
        let whole = try model.score(ids, team: TestModels.team, capacity: Self.tight)
        #expect(
            try model.score(ids, team: ComputeTeam(threads: 1), chunk: 3, capacity: Self.tight) == whole)
        #expect(
            try model.score(ids, team: TestModels.team, instructionSet: .portable, capacity: Self.tight)
                == whole)
        let engine = try Self.engine(model, Self.tight)
        let finish = try engine.complete(GenerationRequest(prompt: ids, maxTokens: 1, scores: true))
            .finish
        #expect(finish == .scored(whole))
    }

    /// A continuation elsewhere counts the request's own prompt, not what was generated after it.
    @Test func aRePrefillDropsWhatTheFirstAttemptDropped() throws {
        let ids = try MixtureGolden.read("mixtral").ids
        let model = try MixtureGolden.model("mixtral")
        let prompt = Array(ids[..<24])
        let whole = try Self.engine(model, Self.tight).complete(
            GenerationRequest(prompt: prompt, maxTokens: 16))
        let begun = Array(whole.tokens.prefix(7))
        let rest = try Self.engine(model, Self.tight).complete(
            GenerationRequest(prompt: prompt + begun, generatedBefore: 7, maxTokens: 16))
        #expect(rest.tokens == Array(whole.tokens.dropFirst(7)))
    }

    @Test func aPromptOfMoreThanAStepIsRefused() throws {
        let ids = try MixtureGolden.read("mixtral").ids
        let engine = try Self.engine(try MixtureGolden.model("mixtral"), Self.tight, tokens: 20)
        let error = #expect(throws: AdmissionError.self) {
            try engine.add(GenerationRequest(prompt: Array(ids[..<18]), maxTokens: 2))
        }
        #expect(error == .promptNotWhole(tokens: 18, rowsMax: 17))
    }

    @Test func aCapacityOfZeroIsRefused() {
        for text in [
            "colossal:0", "flaxformer:-1", "colossal:nan", "colossal", "dropless:2", "roomy:1", "",
        ] {
            #expect(throws: LayerGateError.self) { try CapacityMode(parsing: text) }
        }
        #expect(throws: Never.self) { try CapacityMode(parsing: "colossal:1.25") }
    }
}
