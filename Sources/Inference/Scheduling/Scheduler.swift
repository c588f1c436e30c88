/// Rows of one sequence in one step.
package struct Slice: Equatable {
    /// Index into `Scheduler.running`.
    package var sequence: Int
    /// Absolute position of the first row.
    package var start: Int
    package var count: Int
    /// The last row's logits choose a token.
    package var samples: Bool
    /// All rows' logits are scored.
    package var scores: Bool

    package init(sequence: Int, start: Int, count: Int, samples: Bool, scores: Bool = false) {
        self.sequence = sequence
        self.start = start
        self.count = count
        self.samples = samples
        self.scores = scores
    }

    /// Rows whose logits are wanted.
    var wantedRows: Int { scores ? count : samples ? 1 : 0 }
}

/// Decides what runs: pure state, no clock, no arithmetic on tensors.
///
/// Each step takes one row from every generating sequence, then fills the budget with prompt chunks, oldest first.
/// Waiting requests are admitted in order of arrival when a place and all their cache pages are free; none overtakes, so
/// none starves.
package struct Scheduler {
    package let limits: EngineLimits
    package private(set) var pages: PageReservations
    package private(set) var waiting: [Sequence] = []
    /// In order of admission.
    package var running: [Sequence] = []
    private var lastID: UInt64 = 0
    private var kept: KeptPrefixes
    /// Pages of prefixes that are kept no longer, until the engine has taken them.
    private var released: [Int32] = []
    /// Positions that were not computed again because their prefix was kept.
    package private(set) var reusedTokens: UInt64 = 0
    /// A prompt's rows are all in one step.
    private let wholePrompts: Bool

    package init(limits: EngineLimits, pageTokens: Int, wholePrompts: Bool = false) {
        self.limits = limits
        self.wholePrompts = wholePrompts
        kept = KeptPrefixes(countMax: limits.prefixesKeptMax)
        pages = PageReservations(pagesMax: limits.keyValuePagesMax, pageTokens: pageTokens)
        running.reserveCapacity(limits.sequencesMax)
    }

    package var hasWork: Bool { !running.isEmpty || !waiting.isEmpty }

    package mutating func add(_ request: GenerationRequest, vocabulary: Int) throws(AdmissionError) -> SequenceID {
        try request.validate(contextMax: limits.contextMax, vocabulary: vocabulary)
        let sequence = Sequence(
            id: SequenceID(number: lastID + 1), request: request, contextMax: limits.contextMax)
        try checkWholeness(of: sequence)
        let needed = pages.pages(for: sequence.cachedTokensMax)
        guard needed <= pages.pagesMax else {
            throw .exceedsCache(pages: needed, keyValuePagesMax: pages.pagesMax)
        }
        // A request that can start at once does not count as waiting.
        let startsNow =
            waiting.isEmpty && running.count < limits.sequencesMax && needed <= available
        guard startsNow || waiting.count < limits.waitingMax else { throw .queueFull(waitingMax: limits.waitingMax) }
        lastID += 1
        waiting.append(sequence)
        admit()
        return sequence.id
    }

    /// One row is kept for each other sequence, which may be generating: then the oldest prompt always fits.
    private func checkWholeness(of sequence: Sequence) throws(AdmissionError) {
        guard wholePrompts else { return }
        let room = limits.tokensPerStepMax - (limits.sequencesMax - 1)
        let most = sequence.scores ? min(room, limits.scoredTokensPerStepMax) : room
        guard sequence.promptTokens <= most else {
            throw .promptNotWhole(tokens: sequence.promptTokens, rowsMax: most)
        }
    }

    /// Moves waiting requests into the running set, oldest first, while there is room.
    private mutating func admit() {
        var admitted = 0
        while admitted < waiting.count, running.count < limits.sequencesMax {
            let needed = pages.pages(for: waiting[admitted].cachedTokensMax)
            guard needed <= available else { break }
            var sequence = waiting[admitted]
            goOn(&sequence)
            while !pages.reserve(needed), let oldest = kept.takeOldest() { drop(oldest) }
            running.append(sequence)
            admitted += 1
        }
        if admitted > 0 { waiting.removeFirst(admitted) }
    }

    /// Pages that nobody runs on.
    private var available: Int { pages.available + kept.pages }

    /// From a kept prefix, where one fits.
    private mutating func goOn(_ sequence: inout Sequence) {
        guard !wholePrompts, !sequence.scores, let prefix = kept.take(for: sequence) else { return }
        pages.release(prefix.pages.count)
        sequence.pages = prefix.pages
        // Of the last token the logits are wanted again.
        sequence.computed = min(prefix.tokens.count, sequence.tokens.count - 1)
        reusedTokens += UInt64(sequence.computed)
    }

    private mutating func drop(_ prefix: KeptPrefixes.Prefix) {
        pages.release(prefix.pages.count)
        released += prefix.pages
    }

    /// Of prefixes that are kept no longer: free them.
    mutating func takeReleased() -> [Int32] {
        defer { released = [] }
        return released
    }

    /// Forgets a running sequence, but not its keys and values: somebody is likely to go on from them. They stay promised, and go when
    /// the pages are wanted or `prefixesKeptMax` newer ones are there.
    mutating func removeKeeping(_ id: SequenceID) {
        guard let index = running.firstIndex(where: { $0.id == id }) else { return }
        let sequence = running.remove(at: index)
        pages.release(pages.pages(for: sequence.cachedTokensMax))
        if wholePrompts || limits.prefixesKeptMax == 0 {
            released += sequence.pages
        } else {
            // No more than was released just now.
            _ = pages.reserve(sequence.pages.count)
            let prefix = KeptPrefixes.Prefix(
                tokens: Array(sequence.tokens[..<sequence.computed]), route: sequence.route, pages: sequence.pages)
            kept.add(prefix).forEach { drop($0) }
        }
        admit()
    }

    /// Forgets a sequence and returns it, or nil when it is not there (any more).
    package mutating func remove(_ id: SequenceID) -> Sequence? {
        if let index = running.firstIndex(where: { $0.id == id }) {
            let sequence = running.remove(at: index)
            pages.release(pages.pages(for: sequence.cachedTokensMax))
            admit()
            return sequence
        }
        guard let index = waiting.firstIndex(where: { $0.id == id }) else { return nil }
        let sequence = waiting.remove(at: index)
        admit()
        return sequence
    }

    /// The rows of the next step.
    package func plan(into slices: inout [Slice]) {
        slices.removeAll(keepingCapacity: true)
        for index in running.indices where running[index].isDecoding {
            slices.append(Slice(sequence: index, start: running[index].computed, count: 1, samples: true))
        }
        var free = limits.tokensPerStepMax - slices.count
        var budget = free
        if !slices.isEmpty { budget = min(budget, limits.promptTokensBesideDecodingMax) }
        var scoredBudget = limits.scoredTokensPerStepMax
        for index in running.indices where !running[index].isDecoding && free > 0 {
            let scores = running[index].scores
            let left = running[index].tokens.count - running[index].computed
            let whole = wholePrompts && running[index].computed == 0 ? running[index].promptTokens : 0
            guard whole <= free, !scores || whole <= scoredBudget else { continue }
            // A whole prompt may be more than prompts otherwise get beside generating sequences.
            let count = max(whole, min(left, budget, scores ? scoredBudget : budget))
            guard count > 0 else { continue }
            slices.append(
                Slice(
                    sequence: index, start: running[index].computed, count: count, samples: count == left && !scores,
                    scores: scores))
            free -= count
            budget = max(budget - count, 0)
            if scores { scoredBudget -= count }
        }
    }
}

extension GenerationRequest {
    package func validate(contextMax: Int, vocabulary: Int) throws(AdmissionError) {
        guard !prompt.isEmpty else { throw .emptyPrompt }
        guard !scores || prompt.count > 1 else { throw .nothingToPredict }
        guard prompt.count < contextMax else {
            throw .promptTooLong(tokens: prompt.count, contextMax: contextMax)
        }
        guard maxTokens > 0 && maxTokens <= contextMax else {
            throw .invalidMaxTokens(maxTokens, contextMax: contextMax)
        }
        guard generatedBefore >= 0 && generatedBefore < prompt.count && generatedBefore < maxTokens else {
            throw .invalidGeneratedBefore(generatedBefore, prompt: prompt.count, maxTokens: maxTokens)
        }
        guard (topLogprobs ?? 0) >= 0 && (topLogprobs ?? 0) <= Self.topLogprobsMax else {
            throw .invalidTopLogprobs(topLogprobs ?? 0)
        }
        do throws(SamplingOptionsError) { try sampling.validate() } catch { throw .invalidSampling(error) }
        if let at = prompt.firstIndex(where: { $0 < 0 || $0 >= vocabulary }) {
            throw .tokenOutOfVocabulary(id: prompt[at], at: at, vocabulary: vocabulary)
        }
    }
}
