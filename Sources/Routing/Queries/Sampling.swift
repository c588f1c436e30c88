/// How a worker draws tokens: passed through from query to assignment, checked once on the way in.
package struct Sampling: Hashable, Sendable {
    /// 0 is greedy.
    package var temperature: Float
    /// 0 is off.
    package var topK: UInt32
    /// 1, or 0 for "not set", is off.
    package var topP: Float
    /// 0 is off.
    package var minP: Float
    /// 1, or 0 for "not set", is off.
    package var repetitionPenalty: Float
    /// Tokens looked back at; 0 stands for 64.
    package var repetitionWindow: UInt32
    package var seed: UInt64

    package init(
        temperature: Float = 0, topK: UInt32 = 0, topP: Float = 0, minP: Float = 0, repetitionPenalty: Float = 0,
        repetitionWindow: UInt32 = 0, seed: UInt64 = 0
    ) {
        self.temperature = temperature
        self.topK = topK
        self.topP = topP
        self.minP = minP
        self.repetitionPenalty = repetitionPenalty
        self.repetitionWindow = repetitionWindow
        self.seed = seed
    }

    /// The first field out of its range, as a sentence; nil when all are in range.
    package var problem: String? {
        if !(temperature.isFinite && temperature >= 0) { return "temperature is \(temperature); it must be 0 or more" }
        if !(topP >= 0 && topP <= 1) { return "top_p is \(topP); it must lie in 0...1" }
        if !(minP >= 0 && minP <= 1) { return "min_p is \(minP); it must lie in 0...1" }
        if !(repetitionPenalty.isFinite && repetitionPenalty >= 0) {
            return "repetition_penalty is \(repetitionPenalty); it must be 0 or more"
        }
        return nil
    }
}

/// A token's log probability (nats) among its alternatives, as the worker reported it.
package struct TokenLogprobs: Hashable, Sendable {
    package struct Alternative: Hashable, Sendable {
        package var token: Int32
        package var logprob: Float

        package init(token: Int32, logprob: Float) {
            self.token = token
            self.logprob = logprob
        }
    }

    package var logprob: Float
    package var top: [Alternative]

    package init(logprob: Float, top: [Alternative] = []) {
        self.logprob = logprob
        self.top = top
    }
}
