/// How the next token is chosen from a row of logits.
///
/// The order of operations is that of Hugging Face's `generate`: repetition penalty, temperature, top-k, top-p, min-p,
/// draw. (llama.cpp applies the temperature last.) Log probabilities that a request asks for are those of the
/// model's own distribution, before any of this.
package struct SamplingOptions: Sendable, Equatable {
    /// 0 is greedy; otherwise logits are divided by it. 0 ... 100.
    package var temperature: Float
    /// Keep the k most likely tokens; 0 keeps all.
    package var topK: Int
    /// Keep the smallest set of most likely tokens whose probability reaches this; 1 keeps all. Over 0, up to 1.
    package var topP: Float
    /// Keep tokens at least this fraction as likely as the most likely one; 0 keeps all. 0 ... 1.
    package var minP: Float
    /// Positive logits of recent tokens are divided by it, negative ones multiplied (CTRL, arXiv:1909.05858, section 4.1);
    /// 1 changes nothing. Over 0, up to 100.
    package var repetitionPenalty: Float
    /// How many of the last tokens, prompt included, count as recent. 0 ... 1,048,576.
    package var repetitionWindow: Int
    /// The draw at a position is a pure function of this and the position.
    package var seed: UInt64

    package init(
        temperature: Float = 0, topK: Int = 0, topP: Float = 1, minP: Float = 0, repetitionPenalty: Float = 1,
        repetitionWindow: Int = 64, seed: UInt64 = 0
    ) {
        self.temperature = temperature
        self.topK = topK
        self.topP = topP
        self.minP = minP
        self.repetitionPenalty = repetitionPenalty
        self.repetitionWindow = repetitionWindow
        self.seed = seed
    }

    package static let greedy = SamplingOptions()
    package static let repetitionWindowMax = 1 << 20

    /// Refuses values outside the ranges above, NaN included.
    package func validate() throws(SamplingOptionsError) {
        try Self.check("temperature", temperature, temperature >= 0 && temperature <= 100, "0 ... 100")
        try Self.check("topK", topK, topK >= 0, "0 (all) or more")
        try Self.check("topP", topP, topP > 0 && topP <= 1, "over 0, up to 1")
        try Self.check("minP", minP, minP >= 0 && minP <= 1, "0 ... 1")
        try Self.check(
            "repetitionPenalty", repetitionPenalty, repetitionPenalty > 0 && repetitionPenalty <= 100,
            "over 0, up to 100")
        try Self.check(
            "repetitionWindow", repetitionWindow,
            repetitionWindow >= 0 && repetitionWindow <= Self.repetitionWindowMax, "0 ... \(Self.repetitionWindowMax)")
    }

    private static func check<Value>(
        _ name: String, _ value: Value, _ valid: Bool, _ range: String
    ) throws(SamplingOptionsError) {
        guard valid else { throw SamplingOptionsError(parameter: name, value: "\(value)", range: range) }
    }
}

/// A sampling parameter outside its range.
package struct SamplingOptionsError: Error, Sendable, Equatable, CustomStringConvertible {
    package let parameter: String
    package let value: String
    package let range: String

    package init(parameter: String, value: String, range: String) {
        self.parameter = parameter
        self.value = value
        self.range = range
    }

    package var description: String { "\(parameter) is \(value); it must be \(range)" }
}
