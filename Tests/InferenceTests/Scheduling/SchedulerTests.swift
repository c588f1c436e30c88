import Inference
import Testing

/// The scheduler without a model: a step computes its slices, and every sampling slice appends token 1.
private func run(_ scheduler: inout Scheduler) -> [Slice] {
    var slices: [Slice] = []
    scheduler.plan(into: &slices)
    var done: [SequenceID] = []
    for slice in slices {
        scheduler.running[slice.sequence].computed += slice.count
        guard slice.samples else { continue }
        scheduler.running[slice.sequence].tokens.append(1)
        let sequence = scheduler.running[slice.sequence]
        if sequence.tokens.count == sequence.tokensMax { done.append(sequence.id) }
    }
    for id in done { require(scheduler.remove(id) != nil) }
    return slices
}

/// An expectation on a value that mutation made: `#expect` evaluates its argument in an immutable copy.
private func require(_ condition: Bool, _ location: SourceLocation = #_sourceLocation) {
    #expect(condition, sourceLocation: location)
}

@Suite("Scheduling")
struct SchedulerTests {
    private let limits = EngineLimits(
        tokensPerStepMax: 32, promptTokensBesideDecodingMax: 8, sequencesMax: 3, waitingMax: 2, contextMax: 128,
        keyValuePagesMax: 16)

    private func request(_ prompt: Int, _ maxTokens: Int) -> GenerationRequest {
        GenerationRequest(prompt: [Int32](repeating: 0, count: prompt), maxTokens: maxTokens)
    }

    @Test func generatingSequencesGoOnWhileALongPromptIsRead() throws {
        var scheduler = Scheduler(limits: limits, pageTokens: 16)
        _ = try scheduler.add(request(4, 20), vocabulary: 10)
        #expect(run(&scheduler) == [Slice(sequence: 0, start: 0, count: 4, samples: true)])
        _ = try scheduler.add(request(20, 5), vocabulary: 10)
        #expect(
            run(&scheduler) == [
                Slice(sequence: 0, start: 4, count: 1, samples: true),
                Slice(sequence: 1, start: 0, count: 8, samples: false),
            ])
        #expect(run(&scheduler)[0] == Slice(sequence: 0, start: 5, count: 1, samples: true))
        #expect(
            run(&scheduler) == [
                Slice(sequence: 0, start: 6, count: 1, samples: true),
                Slice(sequence: 1, start: 16, count: 4, samples: true),
            ])
    }

    @Test func promptsFillTheBudgetOldestFirst() throws {
        var scheduler = Scheduler(limits: limits, pageTokens: 16)
        _ = try scheduler.add(request(40, 2), vocabulary: 10)
        _ = try scheduler.add(request(10, 2), vocabulary: 10)
        #expect(run(&scheduler) == [Slice(sequence: 0, start: 0, count: 32, samples: false)])
        #expect(
            run(&scheduler) == [
                Slice(sequence: 0, start: 32, count: 8, samples: true),
                Slice(sequence: 1, start: 0, count: 10, samples: true),
            ])
    }

    /// Each scored row has logits of its own, of which there is a bound of its own.
    @Test func scoredRowsAreBoundedAndNeverDecode() throws {
        var limits = limits
        limits.scoredTokensPerStepMax = 6
        var scheduler = Scheduler(limits: limits, pageTokens: 16)
        for count in [8, 5] {
            _ = try scheduler.add(
                GenerationRequest(
                    prompt: [Int32](repeating: 1, count: count), maxTokens: 1, scores: true), vocabulary: 10)
        }
        _ = try scheduler.add(request(3, 2), vocabulary: 10)
        func scored(_ sequence: Int, _ start: Int, _ count: Int) -> Slice {
            Slice(sequence: sequence, start: start, count: count, samples: false, scores: true)
        }
        #expect(run(&scheduler) == [scored(0, 0, 6), Slice(sequence: 2, start: 0, count: 3, samples: true)])
        // The last two of the first, and four of the second; a sequence that is scored is never one that generates.
        let next = run(&scheduler).filter(\.scores)
        #expect(next == [scored(0, 6, 2), scored(1, 0, 4)])
        #expect(!scheduler.running[1].isDecoding)
    }

    @Test func pagesAreReservedForTheWholeLifeAndComeBack() throws {
        var scheduler = Scheduler(limits: limits, pageTokens: 16)
        // 100 + 28 tokens, of which 127 are cached: 8 pages of 16.
        let first = try scheduler.add(request(100, 28), vocabulary: 10)
        #expect(scheduler.pages.reserved == 8)
        _ = try scheduler.add(request(100, 28), vocabulary: 10)
        #expect(scheduler.pages.available == 0)
        // One page, but none is free: it waits, and what comes later waits behind it.
        let third = try scheduler.add(request(2, 2), vocabulary: 10)
        let fourth = try scheduler.add(request(2, 2), vocabulary: 10)
        #expect(scheduler.waiting.map(\.id) == [third, fourth])
        #expect(throws: AdmissionError.queueFull(waitingMax: 2)) {
            try scheduler.add(request(2, 2), vocabulary: 10)
        }
        require(scheduler.remove(first) != nil)
        #expect(scheduler.running.map(\.id).contains(third))
        require(scheduler.remove(first) == nil)
    }

    @Test func theContextBoundsAnAnswer() throws {
        var scheduler = Scheduler(limits: limits, pageTokens: 16)
        _ = try scheduler.add(request(120, 100), vocabulary: 10)
        #expect(scheduler.running[0].tokensMax == 128)
        #expect(scheduler.running[0].endsByContext)
        _ = try scheduler.add(
            GenerationRequest(prompt: [0, 1, 2, 3], generatedBefore: 2, maxTokens: 5), vocabulary: 10)
        #expect(scheduler.running[1].tokensMax == 7)
    }

    @Test func everyRefusalIsImmediateAndTyped() throws {
        var scheduler = Scheduler(limits: limits, pageTokens: 4)
        func refusal(_ request: GenerationRequest) -> AdmissionError? {
            do throws(AdmissionError) {
                _ = try scheduler.add(request, vocabulary: 10)
                return nil
            } catch { return error }
        }
        #expect(refusal(request(0, 1)) == .emptyPrompt)
        #expect(refusal(request(128, 1)) == .promptTooLong(tokens: 128, contextMax: 128))
        #expect(refusal(request(1, 0)) == .invalidMaxTokens(0, contextMax: 128))
        #expect(refusal(request(1, 1_000_000_000)) == .invalidMaxTokens(1_000_000_000, contextMax: 128))
        #expect(refusal(request(65, 1)) == .exceedsCache(pages: 17, keyValuePagesMax: 16))
        #expect(
            refusal(GenerationRequest(prompt: [1, 10], maxTokens: 1))
                == .tokenOutOfVocabulary(id: 10, at: 1, vocabulary: 10))
        #expect(
            refusal(GenerationRequest(prompt: [-1], maxTokens: 1))
                == .tokenOutOfVocabulary(id: -1, at: 0, vocabulary: 10))
        #expect(
            refusal(GenerationRequest(prompt: [1], generatedBefore: 1, maxTokens: 4))
                == .invalidGeneratedBefore(1, prompt: 1, maxTokens: 4))
        #expect(
            refusal(GenerationRequest(prompt: [1, 1], generatedBefore: 1, maxTokens: 1))
                == .invalidGeneratedBefore(1, prompt: 2, maxTokens: 1))
        #expect(refusal(GenerationRequest(prompt: [1], maxTokens: 1, topLogprobs: 65)) == .invalidTopLogprobs(65))
        #expect(refusal(GenerationRequest(prompt: [1], maxTokens: 1, scores: true)) == .nothingToPredict)
        let cold = SamplingOptions(temperature: -1)
        #expect(
            refusal(GenerationRequest(prompt: [1], sampling: cold, maxTokens: 1))
                == .invalidSampling(SamplingOptionsError(parameter: "temperature", value: "-1.0", range: "0 ... 100")))
        #expect(!scheduler.hasWork)
    }

    @Test func everySequenceEndsUnderRandomArrivals() throws {
        var random = SplitMix(state: 20_240_917)
        var scheduler = Scheduler(limits: limits, pageTokens: 16)
        var added = 0
        for _ in 0..<4000 {
            if random.next() % 3 == 0 {
                let made = request(Int(random.next() % 100) + 1, Int(random.next() % 60) + 1)
                if (try? scheduler.add(made, vocabulary: 10)) != nil { added += 1 }
            }
            let decoding = scheduler.running.filter(\.isDecoding).count
            let slices = run(&scheduler)
            #expect(slices.reduce(0) { $0 + $1.count } <= 32)
            #expect(slices.prefix(decoding).allSatisfy { $0.count == 1 && $0.samples })
            #expect(scheduler.running.count <= 3 && scheduler.waiting.count <= 2)
            #expect(scheduler.pages.reserved == scheduler.running.reduce(0) { $0 + ($1.cachedTokensMax + 15) / 16 })
        }
        while scheduler.hasWork { require(!run(&scheduler).isEmpty) }
        #expect(added > 100)
        #expect(scheduler.pages.available == 16)
    }
}
