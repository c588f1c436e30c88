import Deciding
import Gating
import Kernels
import Weights

/// Continues many sequences at once: add, then step until there is no more work.
///
///     schedule -> run -> postprocess
///
/// Owned by one thread; nothing here blocks but the arithmetic. What a sequence gets depends on its request alone, to the
/// bit: not on its neighbours, chunks, threads or instruction set (P1). The shape follows nano-vllm's engine.
package final class Engine {
    package let model: LanguageModel
    package let limits: EngineLimits
    /// Bytes of keys and values at most; memory is taken as pages are used.
    package let keyValueBytesMax: Int
    /// Steps that computed something; a supervisor sees stuck work by its standing still.
    package private(set) var progress: UInt64 = 0
    /// Of the last step.
    package private(set) var statistics = StepStatistics()

    private var scheduler: Scheduler
    private var sampler: Sampler
    private let context: ComputeContext
    /// Of sequences that are scored, while they run.
    private var sums: [SequenceID: ScoreSum] = [:]
    private let forward: ForwardPass
    private let bank: (any ExpertBank)?
    /// Of a master.
    private let chooser: RewriteChooser?
    private let cache: KeyValuePages
    private let capacity: CapacityMode
    private let nanoseconds: () -> UInt64
    // Kept between steps so that they need not be allocated again.
    private var slices: [Slice] = []
    private var batch = Batch()
    private var events: [StepEvent] = []

    /// - Parameters:
    ///   - bank: experts beside the linear layers; the bank must outlive no step but may change what it holds between two.
    ///   - pieces: of a master, the bytes of each token, none for special ones: what rewrites are made of.
    ///   - capacity: rows of a prompt that an expert of a mixture layer takes; the whole prompt is then computed in one step.
    ///   - experts: where rows of mixture layers' experts come from; nil: this process.
    ///   - onMissing: what becomes of tokens whose experts nobody answers for.
    ///   - nanoseconds: a monotonic clock, for statistics only.
    package init(
        model: LanguageModel, limits: EngineLimits, team: ComputeTeam, instructionSet: InstructionSet = .best,
        bank: (any ExpertBank)? = nil, pieces: [[UInt8]]? = nil, capacity: CapacityMode = .dropless,
        experts: (any MixtureRowSource)? = nil, onMissing: OnMissing = .fail,
        nanoseconds: @escaping () -> UInt64 = MonotonicClock.nanoseconds
    ) throws(EngineLimitsError) {
        let configuration = model.configuration
        try limits.validate(modelContextMax: configuration.contextLength)
        self.model = model
        self.limits = limits
        self.nanoseconds = nanoseconds
        self.bank = bank
        chooser = pieces.map(RewriteChooser.init)
        self.capacity = capacity
        scheduler = Scheduler(
            limits: limits, pageTokens: KeyValuePages.positionsPerPage,
            wholePrompts: capacity != .dropless)
        cache = KeyValuePages(
            layers: configuration.layerCount, heads: configuration.keyValueHeadCount,
            headDim: configuration.headDimension, pagesMax: limits.keyValuePagesMax)
        keyValueBytesMax = cache.bytesPerPage * limits.keyValuePagesMax
        context = ComputeContext(team: team, instructionSet: instructionSet)
        sampler = Sampler(context: context)
        forward = ForwardPass(
            model: model, context: context,
            rowsMax: limits.tokensPerStepMax,
            wantedMax: min(limits.tokensPerStepMax, limits.sequencesMax + limits.scoredTokensPerStepMax),
            positionsMax: limits.contextMax,
            bank: bank, capacity: capacity, experts: experts, onMissing: onMissing)
    }

    /// What a sequence went without since it was last asked: rows by expert of a mixture layer.
    package func takeMissing(_ sequence: SequenceID) -> [String: UInt64] { forward.takeMissing(sequence) }
    /// What a capacity dropped of a sequence's prompt since it was last asked, by mixture layer.
    package func takeDrops(_ sequence: SequenceID) -> [Int: DropTally] { forward.takeDrops(sequence) }

    /// Some sequence runs or waits.
    package var hasWork: Bool { scheduler.hasWork }
    package var runningCount: Int { scheduler.running.count }
    package var waitingCount: Int { scheduler.waiting.count }
    /// What tokens chose and lost at mixture layers so far; nil where the model has none.
    package var mixtureCounts: MixtureCounts? { forward.mixtureCounts }
    /// Whether that is counted; a benchmark sees what it costs.
    package var countsMixtures: Bool {
        get { forward.countsMixtures }
        set { forward.countsMixtures = newValue }
    }
    /// The same since the last time it was taken.
    package func takeMixtureCounts() -> MixtureCounts? { forward.takeMixtureCounts() }

    /// Queues a request, or refuses it at once. Its events come from `step`.
    package func add(_ request: GenerationRequest) throws(AdmissionError) -> SequenceID {
        if bank == nil, let route = request.route, route.options.method != .off {
            throw .invalidRoute(
                RouteRefusal("the route \(route.options.method) needs experts, and this model has none"))
        }
        if request.task != nil, model.functional == nil || chooser == nil { throw .noMaster }
        let id = try scheduler.add(request, vocabulary: model.vocabularySize)
        scheduler.takeReleased().forEach(cache.release)
        do throws(RouteRefusal) { try bank?.admit(id, route: request.route) } catch {
            _ = scheduler.remove(id)
            throw .invalidRoute(error)
        }
        return id
    }

    /// Ends a sequence without further events and frees what it holds. False when it has ended already.
    @discardableResult
    package func cancel(_ id: SequenceID) -> Bool {
        guard let sequence = scheduler.remove(id) else { return false }
        bank?.end(id)
        sums[id] = nil
        sequence.pages.forEach(cache.release)
        // Whoever was admitted in its place may have needed the pages of a kept prefix.
        scheduler.takeReleased().forEach(cache.release)
        return true
    }

    /// Ends a sequence whose prompt is likely to be continued.
    private func keep(_ id: SequenceID) {
        scheduler.removeKeeping(id)
        bank?.end(id)
        scheduler.takeReleased().forEach(cache.release)
    }

    /// Positions that were not computed again because a sequence went on from where another stood.
    package var reusedTokens: UInt64 { scheduler.reusedTokens }

    /// Computes one batch. Empty when there is no work.
    package func step() -> [StepEvent] {
        let started = nanoseconds()
        events.removeAll(keepingCapacity: true)
        scheduler.plan(into: &slices)
        statistics = StepStatistics()
        guard !slices.isEmpty else { return events }
        fillBatch()
        let planned = nanoseconds()
        forward.run(batch, cache: cache)
        let computed = nanoseconds()
        postprocess()
        progress += 1
        let ended = nanoseconds()
        statistics.forwardNanoseconds = computed - planned
        statistics.samplingNanoseconds = ended - computed
        statistics.stepNanoseconds = ended - started
        return events
    }

    /// The logits of the last step's `index`-th sampled row, its penalties applied: for tests and comparisons.
    package func lastLogits(_ index: Int) -> [Float] { forward.logits.array(row: index) }
}

extension Engine {
    private func fillBatch() {
        batch.removeAll()
        for slice in slices {
            let end = slice.start + slice.count
            while scheduler.running[slice.sequence].pages.count * KeyValuePages.positionsPerPage < end {
                guard let page = cache.allocate() else {
                    preconditionFailure("the cache is out of pages with \(scheduler.pages.reserved) reserved")
                }
                scheduler.running[slice.sequence].pages.append(page)
            }
            let sequence = scheduler.running[slice.sequence]
            batch.append(
                sequence.id, sequence.tokens[slice.start..<end], start: slice.start, pages: sequence.pages,
                wantsLast: slice.samples, wantsAll: slice.scores,
                wholePrompt: capacity == .dropless ? nil : sequence.promptTokens)
            if sequence.isDecoding {
                statistics.decodeTokens += 1
            } else {
                statistics.prefillTokens += slice.count
            }
        }
        statistics.sequencesRunning = scheduler.running.count
        statistics.sequencesWaiting = scheduler.waiting.count
        statistics.keyValuePagesReserved = scheduler.pages.reserved
    }

    private func postprocess() {
        var row = 0
        var ended: [(SequenceID, FinishReason)] = []
        for slice in slices {
            scheduler.running[slice.sequence].computed += slice.count
            let id = scheduler.running[slice.sequence].id
            if let message = forward.failures[id] {
                ended.append((id, .failed(.expert(message))))
            } else if slice.samples, let reason = advance(slice.sequence, logits: row) {
                ended.append((id, reason))
            } else if slice.scores, let reason = score(slice, logits: row) {
                ended.append((id, reason))
            }
            row += slice.wantedRows
        }
        for (id, reason) in ended {
            if case .decided = reason { keep(id) } else { cancel(id) }
            events.append(.finished(id, reason))
        }
    }

    private func advance(_ index: Int, logits row: Int) -> FinishReason? {
        switch scheduler.running[index].task {
        case nil: extend(index, logits: row)
        case .decide: decide(index, logits: row)
        case .rewrite(let textBytesMax): rewrite(index, logits: row, textBytesMax: textBytesMax)
        }
    }

    /// Chooses a sequence's next token; returns why it ends, if it does.
    private func extend(_ index: Int, logits row: Int) -> FinishReason? {
        let sequence = scheduler.running[index]
        let position = sequence.tokens.count
        let sampled: SampledToken
        do throws(UnsoundLogits) {
            sampled = try forward.logits.withMutableRow(row) { logits throws(UnsoundLogits) in
                // An answer is text: who is named instead is for a decision to say.
                for functional in model.configuration.vocabularySize..<model.vocabularySize {
                    logits[functional] = -.infinity
                }
                return try sampler.sample(
                    &logits, options: sequence.sampling, history: sequence.tokens, position: position,
                    topLogprobs: sequence.topLogprobs)
            }
        } catch {
            return .failed(.unsoundLogits(position: position))
        }
        statistics.sampledTokens += 1
        if sequence.endTokens.contains(sampled.id) { return .endToken(sampled.id) }
        events.append(
            .token(
                sequence.id,
                GeneratedToken(
                    id: sampled.id, position: position, logprob: sampled.logprob, alternatives: sampled.alternatives)))
        return append(sampled.id, to: index)
    }

    /// Adds a slice's rows to its sequence's score; returns it when it is complete.
    private func score(_ slice: Slice, logits row: Int) -> FinishReason? {
        let sequence = scheduler.running[slice.sequence]
        let sum = sums[sequence.id] ?? ScoreSum()
        sums[sequence.id] = sum
        let end = slice.start + slice.count
        for position in slice.start..<end {
            forward.logits.withRow(row + position - slice.start) { logits in
                sum.add(
                    logits, next: position + 1 < sequence.tokens.count ? sequence.tokens[position + 1] : nil, context)
            }
            guard sum.isSound else { return .failed(.unsoundLogits(position: position)) }
        }
        return end == sequence.tokens.count ? .scored(sum.score(tokens: end)) : nil
    }

    private func append(_ token: Int32, to index: Int) -> FinishReason? {
        scheduler.running[index].tokens.append(token)
        let sequence = scheduler.running[index]
        guard sequence.tokens.count == sequence.tokensMax else { return nil }
        return sequence.endsByContext ? .contextFull : .length
    }
}

/// What a master's sequences do instead of `extend`.
extension Engine {
    private func decide(_ index: Int, logits row: Int) -> FinishReason {
        let first = model.configuration.vocabularySize
        do throws(MasterReading.Failure) {
            return .decided(
                try MasterReading(
                    row: forward.logits.array(row: row), functionalTokens: Array(first..<model.vocabularySize)))
        } catch {
            return .failed(.unsoundLogits(position: scheduler.running[index].tokens.count))
        }
    }

    /// The next token under the grammar; after the closing parenthesis the rewrite has ended.
    private func rewrite(_ index: Int, logits row: Int, textBytesMax: Int) -> FinishReason? {
        let sequence = scheduler.running[index]
        let begun = sequence.tokens.suffix(sequence.generatedBefore)
        guard let chooser,
            var grammar = sequence.grammar ?? chooser.state(after: begun, textBytesMax: textBytesMax),
            !grammar.isComplete,
            let token = forward.logits.withRow(row, { chooser.choose($0, &grammar) })
        else { return .failed(.rewriteStuck) }
        scheduler.running[index].grammar = grammar
        statistics.sampledTokens += 1
        let position = sequence.tokens.count
        events.append(
            .token(sequence.id, GeneratedToken(id: token, position: position, logprob: nil, alternatives: [])))
        let full = append(token, to: index)
        return grammar.isComplete ? .endToken(token) : full
    }
}

/// The default clock.
package enum MonotonicClock {
    private static let origin = ContinuousClock.now

    package static func nanoseconds() -> UInt64 {
        // The origin comes to be at its first use: before the time that it is taken from.
        let start = origin
        let (seconds, attoseconds) = start.duration(to: .now).components
        return UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds / 1_000_000_000)
    }
}
