import Kernels

/// What one row of logits gave.
package struct SampledToken: Equatable {
    package var id: Int32
    /// Natural log; nil unless asked for.
    package var logprob: Float?
    package var alternatives: [TokenLogprob]
}

/// The row is not a distribution: it holds NaN or +inf, or nothing but -inf. Only its own sequence fails.
package struct UnsoundLogits: Error, Equatable {
    package init() {}
}

/// Chooses tokens; owns the scratch memory that choosing needs.
package struct Sampler {
    private var candidates: [Candidate] = []
    private var weights = TokenWeights()
    private var recent: Set<Int32> = []
    private let context: ComputeContext

    package init(context: ComputeContext) { self.context = context }

    /// The token at absolute `position`, whose predecessors are `history`. Penalises `logits` in place.
    /// - Parameters:
    ///   - logits: [vocabulary]
    ///   - topLogprobs: nil for no log probabilities; otherwise how many alternatives to report.
    package mutating func sample(
        _ logits: inout MutableSpan<Float>, options: SamplingOptions, history: [Int32], position: Int,
        topLogprobs: Int?
    ) throws(UnsoundLogits) -> SampledToken {
        guard var best = Ranking.maximum(logits.span) else { throw UnsoundLogits() }
        var token = SampledToken(id: best.id, logprob: nil, alternatives: [])
        var logSum = 0.0
        if let count = topLogprobs {
            logSum = context.logSumExp(logits.span)
            token.alternatives = alternatives(count, of: logits.span, logSum: logSum)
        }
        // The chosen token's logprob is the model's own: remember the raw row's values before the penalty.
        let penalised = penalise(&logits, options, history)
        if !penalised.isEmpty {
            guard let again = Ranking.maximum(logits.span) else { throw UnsoundLogits() }
            best = again
        }
        token.id =
            options.temperature == 0
            ? best.id : draw(logits.span, options, maximum: best.value, position: position)
        if topLogprobs != nil {
            let raw = penalised.first { $0.id == token.id }?.value ?? logits[Int(token.id)]
            token.logprob = Float(Double(raw) - logSum)
        }
        return token
    }

    private mutating func alternatives(_ count: Int, of logits: Span<Float>, logSum: Double) -> [TokenLogprob] {
        Ranking.best(count, of: logits, into: &candidates)
        return candidates.map { TokenLogprob(id: $0.id, logprob: Float(Double($0.value) - logSum)) }
    }

    /// Penalises every distinct recent token once; returns what their logits were.
    private mutating func penalise(
        _ logits: inout MutableSpan<Float>, _ options: SamplingOptions, _ history: [Int32]
    ) -> [Candidate] {
        guard options.repetitionPenalty != 1, options.repetitionWindow > 0 else { return [] }
        recent.removeAll(keepingCapacity: true)
        var before: [Candidate] = []
        for id in history.suffix(options.repetitionWindow) where recent.insert(id).inserted {
            let value = logits[Int(id)]
            before.append(Candidate(id: id, value: value))
            logits[Int(id)] = value > 0 ? value / options.repetitionPenalty : value * options.repetitionPenalty
        }
        return before
    }

    /// Draws among the kept tokens, in ascending id, with weights e^((l - max) / T).
    private mutating func draw(
        _ logits: Span<Float>, _ options: SamplingOptions, maximum: Float, position: Int
    ) -> Int32 {
        let uniform = CounterRandom.uniform(seed: options.seed, position: position)
        if options.topK > 0 && options.topK < logits.count {
            keepBest(logits, options, maximum)
        } else {
            weights.fill(logits, maximum: maximum, temperature: options.temperature, context)
            if options.topP < 1 {
                Nucleus.gather(weights, topP: options.topP, into: &candidates)
            } else if options.minP > 0 {
                Nucleus.collect(weights, atLeast: options.minP, into: &candidates)
            } else {
                return weights.id(at: uniform * weights.total)
            }
        }
        if options.minP > 0 { candidates.removeAll { $0.value < options.minP } }
        candidates.sort { $0.id < $1.id }
        return pick(uniform)
    }

    /// Leaves the top k in `candidates`, weights as values, and of them what top-p keeps.
    private mutating func keepBest(_ logits: Span<Float>, _ options: SamplingOptions, _ maximum: Float) {
        Ranking.best(options.topK, of: logits, into: &candidates)
        var exponents = candidates.map { ($0.value - maximum) / options.temperature }
        var span = exponents.mutableSpan
        context.exponentiate(&span)
        for index in candidates.indices { candidates[index].value = exponents[index] }
        guard options.topP < 1 else { return }
        let total = candidates.reduce(0) { $0 + Double($1.value) }
        Nucleus.truncate(&candidates, reaching: Double(options.topP) * total)
    }

    /// The first candidate at which the running sum of weights passes `uniform` times their sum.
    private func pick(_ uniform: Double) -> Int32 {
        let target = uniform * candidates.reduce(0) { $0 + Double($1.value) }
        var sum = 0.0
        var last: Int32 = 0
        for candidate in candidates where candidate.value > 0 {
            sum += Double(candidate.value)
            last = candidate.id
            if sum > target { break }
        }
        return last
    }
}
