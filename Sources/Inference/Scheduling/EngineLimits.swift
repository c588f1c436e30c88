/// Bounds of one engine. Everything it allocates follows from these and the model.
package struct EngineLimits: Sendable, Equatable {
    /// Rows in one step. Long prompts are computed in chunks of at most this.
    package var tokensPerStepMax: Int
    /// Prompt rows in a step that also serves generating sequences: bounds how long a prompt delays their next token.
    package var promptTokensBesideDecodingMax: Int
    /// Rows in a step whose sequences are scored: each has logits of its own.
    package var scoredTokensPerStepMax: Int
    /// Sequences that run at once.
    package var sequencesMax: Int
    /// Requests that wait for a place or for cache pages.
    package var waitingMax: Int
    /// Prompt and generated tokens of one sequence together.
    package var contextMax: Int
    /// Pages of the key/value cache; 64 tokens each. `Engine.keyValueBytesMax` says what they come to.
    package var keyValuePagesMax: Int
    /// Prompts of decisions whose keys and values are kept for the rewrite that may follow; they count among the pages, and give way to
    /// sequences that want these.
    package var prefixesKeptMax = 8

    package init(
        tokensPerStepMax: Int = 256, promptTokensBesideDecodingMax: Int = 64,
        scoredTokensPerStepMax: Int = 64, sequencesMax: Int = 16, waitingMax: Int = 64, contextMax: Int = 2048,
        keyValuePagesMax: Int = 512
    ) {
        self.tokensPerStepMax = tokensPerStepMax
        self.promptTokensBesideDecodingMax = promptTokensBesideDecodingMax
        self.scoredTokensPerStepMax = scoredTokensPerStepMax
        self.sequencesMax = sequencesMax
        self.waitingMax = waitingMax
        self.contextMax = contextMax
        self.keyValuePagesMax = keyValuePagesMax
    }

    /// - Parameter modelContextMax: how many positions the model was made for.
    package func validate(modelContextMax: Int) throws(EngineLimitsError) {
        try Self.check("tokensPerStepMax", tokensPerStepMax, 1...8192)
        try Self.check("promptTokensBesideDecodingMax", promptTokensBesideDecodingMax, 1...8192)
        try Self.check("scoredTokensPerStepMax", scoredTokensPerStepMax, 1...8192)
        // Every generating sequence advances in every step, so they must all fit.
        try Self.check("sequencesMax", sequencesMax, 1...min(1024, tokensPerStepMax))
        try Self.check("waitingMax", waitingMax, 0...1_000_000)
        try Self.check("contextMax", contextMax, 2...max(2, modelContextMax))
        try Self.check("keyValuePagesMax", keyValuePagesMax, 1...(1 << 20))
        try Self.check("prefixesKeptMax", prefixesKeptMax, 0...1024)
    }

    private static func check(_ name: String, _ value: Int, _ range: ClosedRange<Int>) throws(EngineLimitsError) {
        guard range.contains(value) else { throw EngineLimitsError(limit: name, value: value, range: range) }
    }
}

package struct EngineLimitsError: Error, Sendable, Equatable, CustomStringConvertible {
    package let limit: String
    package let value: Int
    package let range: ClosedRange<Int>

    package var description: String { "\(limit) is \(value); it must be \(range.lowerBound) ... \(range.upperBound)" }
}
