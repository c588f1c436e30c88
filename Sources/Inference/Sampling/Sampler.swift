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
    private var recent: Set<Int32> = []

    package init() {}

    /// The token at absolute `position`, whose predecessors are `history`. Penalises `logits` in place.
    /// - Parameters:
    ///   - logits: [vocabulary]
    ///   - topLogprobs: nil for no log probabilities; otherwise how many alternatives to report.
    package mutating func sample(
        _ logits: inout MutableSpan<Float>, options: SamplingOptions, history: [Int32], position: Int,
        topLogprobs: Int?
    ) throws(UnsoundLogits) -> SampledToken {
        guard var best = LogProbabilities.maximum(logits.span) else { throw UnsoundLogits() }
        var token = SampledToken(id: best.id, logprob: nil, alternatives: [])
        var logSum = 0.0
        if let count = topLogprobs {
            logSum = LogProbabilities.logSumExp(logits.span, maximum: best.value)
            token.alternatives = alternatives(count, of: logits.span, logSum: logSum)
        }
        // The chosen token's logprob is the model's own: remember the raw row's values before the penalty.
        let penalised = penalise(&logits, options, history)
        if !penalised.isEmpty {
            guard let again = LogProbabilities.maximum(logits.span) else { throw UnsoundLogits() }
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
        let weight = Weight(maximum: maximum, temperature: options.temperature)
        let restricted = options.topK > 0 && options.topK < logits.count || options.topP < 1 || options.minP > 0
        guard restricted else {
            return Self.pick(uniform, count: logits.count, id: { Int32($0) }, weight: { weight(logits[$0]) })
        }
        keep(logits, options, weight, maximum)
        candidates.sort { $0.id < $1.id }
        let kept = candidates
        return Self.pick(uniform, count: kept.count, id: { kept[$0].id }, weight: { weight(kept[$0].value) })
    }

    /// Leaves in `candidates` what top-k, top-p and min-p keep.
    private mutating func keep(
        _ logits: Span<Float>, _ options: SamplingOptions, _ weight: Weight, _ maximum: Float
    ) {
        if options.topK > 0 && options.topK < logits.count {
            Ranking.best(options.topK, of: logits, into: &candidates)
            if options.topP < 1 {
                let total = candidates.reduce(0) { $0 + weight($1.value) }
                Nucleus.truncate(&candidates, reaching: Double(options.topP) * total, weight)
            }
        } else if options.topP < 1 {
            Nucleus.gather(logits, topP: options.topP, weight, into: &candidates)
        } else {
            gatherAll(logits, atLeast: Double(options.minP), weight)
        }
        if options.minP > 0 { candidates.removeAll { weight($0.value) < Double(options.minP) } }
    }

    private mutating func gatherAll(_ logits: Span<Float>, atLeast floor: Double, _ weight: Weight) {
        candidates.removeAll(keepingCapacity: true)
        for id in logits.indices where weight(logits[id]) >= floor {
            candidates.append(Candidate(id: Int32(id), value: logits[id]))
        }
    }

    /// The first candidate at which the running sum of weights passes `uniform` times their sum.
    private static func pick(
        _ uniform: Double, count: Int, id: (Int) -> Int32, weight: (Int) -> Double
    ) -> Int32 {
        var total = 0.0
        for index in 0..<count { total += weight(index) }
        let target = uniform * total
        var sum = 0.0
        var last = 0
        for index in 0..<count {
            let one = weight(index)
            sum += one
            if one > 0 { last = index }
            if sum > target { return id(index) }
        }
        // Only rounding leads here: uniform < 1, so the last possible token is the one.
        return id(last)
    }
}

/// The unnormalised probability of a logit: e^((l - max) / T), 1 for the most likely token.
package struct Weight {
    package let maximum: Double
    package let temperature: Double

    package init(maximum: Float, temperature: Float) {
        self.maximum = Double(maximum)
        self.temperature = Double(temperature)
    }

    @inline(__always)
    package func callAsFunction(_ logit: Float) -> Double {
        Elementary.exponential((Double(logit) - maximum) / temperature)
    }
}
