import Inference
import Kernels
import Testing

@Suite("The engine")
struct EngineTests {
    private let limits = EngineLimits(
        tokensPerStepMax: 16, promptTokensBesideDecodingMax: 4, sequencesMax: 2, waitingMax: 3, contextMax: 64,
        keyValuePagesMax: 2)

    private func engine() throws -> Engine {
        try Engine(model: TestModels.tiny("mha"), limits: limits, team: TestModels.team)
    }

    private func request(_ length: Int, _ maxTokens: Int) -> GenerationRequest {
        GenerationRequest(prompt: (0..<length).map { Int32($0 % 96) }, maxTokens: maxTokens)
    }

    @Test func aStepReportsWhatItDid() throws {
        var now: UInt64 = 0
        let engine = try Engine(
            model: TestModels.tiny("mha"), limits: limits, team: TestModels.team,
            nanoseconds: {
                now += 10
                return now
            })
        #expect(engine.step().isEmpty && !engine.hasWork && engine.progress == 0)
        _ = try engine.add(request(20, 3))
        #expect(engine.step().isEmpty)
        #expect(engine.statistics.prefillTokens == 16 && engine.statistics.sampledTokens == 0)
        #expect(engine.step().count == 1)
        #expect(engine.statistics.prefillTokens == 4 && engine.statistics.sampledTokens == 1)
        #expect(engine.statistics.stepNanoseconds == 30 && engine.statistics.forwardNanoseconds == 10)
        _ = engine.step()
        #expect(engine.statistics.decodeTokens == 1 && engine.statistics.prefillTokens == 0)
        #expect(engine.statistics.sequencesRunning == 1 && engine.statistics.keyValuePagesReserved == 1)
        _ = engine.step()
        #expect(engine.progress == 4 && !engine.hasWork)
    }

    @Test func cancelFreesPagesForWhoWaits() throws {
        let engine = try engine()
        let first = try engine.add(request(4, 50))
        _ = try engine.add(request(4, 50))
        let third = try engine.add(request(4, 2))
        _ = engine.step()
        #expect(engine.runningCount == 2 && engine.waitingCount == 1)
        #expect(engine.cancel(first))
        #expect(!engine.cancel(first))
        #expect(engine.runningCount == 2 && engine.waitingCount == 0)
        var events: [StepEvent] = []
        for _ in 0..<4 { events += engine.step() }
        #expect(events.contains(.finished(third, .length)))
        #expect(!events.contains { if case .token(first, _) = $0 { true } else { false } })
    }

    /// Pages come back dirty; what a later sequence reads there must be its own.
    @Test func reusedPagesLeaveNoTrace() throws {
        let engine = try engine()
        let request = request(9, 20)
        let fresh = try engine.complete(request)
        for length in [30, 55] { _ = try engine.complete(self.request(length, 8)) }
        #expect(try engine.complete(request) == fresh)
    }

    @Test func endTokensAndBoundsEndAnAnswer() throws {
        let engine = try engine()
        let free = try engine.complete(request(5, 6))
        #expect(free.finish == .length && free.tokens.count == 6)
        var stopping = request(5, 6)
        stopping.endTokens = [free.tokens[2]]
        let stopped = try engine.complete(stopping)
        let first = try #require(free.tokens.firstIndex(of: free.tokens[2]))
        #expect(stopped.finish == .endToken(free.tokens[2]))
        #expect(stopped.tokens == Array(free.tokens.prefix(first)))
        let full = try engine.complete(request(60, 64))
        #expect(full.finish == .contextFull && full.tokens.count == 4)
        #expect(full.generated.map(\.position) == [60, 61, 62, 63])
    }

    @Test func refusalsLeaveTheEngineAsItWas() throws {
        let engine = try engine()
        #expect(throws: AdmissionError.emptyPrompt) { try engine.add(request(0, 1)) }
        #expect(throws: AdmissionError.tokenOutOfVocabulary(id: 96, at: 0, vocabulary: 96)) {
            try engine.add(GenerationRequest(prompt: [96], maxTokens: 1))
        }
        for _ in 0..<5 { _ = try engine.add(request(4, 4)) }
        #expect(throws: AdmissionError.queueFull(waitingMax: 3)) { try engine.add(request(4, 4)) }
        #expect(throws: EngineLimitsError.self) {
            try Engine(
                model: TestModels.tiny("mha"), limits: EngineLimits(contextMax: 65), team: TestModels.team)
        }
    }

    /// Running streams advance in every step while a prompt of 56 tokens is read in chunks of 4.
    @Test func aLongPromptDelaysNobody() throws {
        let engine = try engine()
        let first = try engine.add(request(2, 30))
        _ = engine.step()
        _ = try engine.add(request(56, 2))
        for _ in 0..<14 {
            let events = engine.step()
            #expect(events.contains { if case .token(first, _) = $0 { true } else { false } })
            #expect(engine.statistics.prefillTokens == 4 && engine.statistics.decodeTokens == 1)
        }
    }

    @Test func logprobsAreProbabilities() throws {
        var asking = request(5, 4)
        asking.topLogprobs = 64
        asking.sampling = SamplingOptions(temperature: 1.5, seed: 3)
        for token in try engine().complete(asking).generated {
            #expect(token.alternatives.count == 64)
            #expect(token.alternatives.allSatisfy { $0.logprob <= 0 })
            #expect(zip(token.alternatives, token.alternatives.dropFirst()).allSatisfy { $0.logprob >= $1.logprob })
            if let own = token.alternatives.first(where: { $0.id == token.id }) {
                #expect(own.logprob == token.logprob)
            }
        }
    }
}
