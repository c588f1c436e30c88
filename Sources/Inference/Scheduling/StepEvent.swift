import Deciding

/// What one step did to one sequence.
package enum StepEvent: Sendable, Equatable {
    case token(SequenceID, GeneratedToken)
    /// Always the sequence's last event.
    case finished(SequenceID, FinishReason)
}

/// One generated token.
package struct GeneratedToken: Sendable, Equatable {
    package let id: Int32
    /// Absolute: the first token after a prompt of n tokens has position n.
    package let position: Int
    /// Natural log of its probability under the model, before penalties and temperature; nil unless asked for.
    package let logprob: Float?
    /// The most likely tokens at this position, best first.
    package let alternatives: [TokenLogprob]

    package init(id: Int32, position: Int, logprob: Float?, alternatives: [TokenLogprob]) {
        self.id = id
        self.position = position
        self.logprob = logprob
        self.alternatives = alternatives
    }
}

package enum FinishReason: Sendable, Equatable {
    /// The model chose this end token.
    case endToken(Int32)
    /// `maxTokens` tokens are there.
    case length
    /// The context is full.
    case contextFull
    /// A score was asked for.
    case scored(Score)
    /// A master's word on a query.
    case decided(MasterReading)
    case failed(SequenceFailure)
}

/// A failure of one sequence; its neighbours go on.
package enum SequenceFailure: Error, Sendable, Equatable, CustomStringConvertible {
    /// The model's logits at this position hold NaN or infinity.
    case unsoundLogits(position: Int)
    /// An expert that the sequence needs gave no answer.
    case expert(String)
    /// No token of the vocabulary goes on with the rewrite.
    case rewriteStuck

    package var description: String {
        switch self {
        case .unsoundLogits(let position):
            "the logits at position \(position) are not finite numbers; the model file or an expert is damaged"
        case .expert(let message): message
        case .rewriteStuck: "no token of the vocabulary can go on with the rewrite; it lacks tokens of single bytes"
        }
    }
}

/// What the last step did and how long it took.
package struct StepStatistics: Sendable, Equatable {
    /// Prompt tokens computed, re-prefilled ones included.
    package var prefillTokens = 0
    /// Tokens computed for sequences that were already generating.
    package var decodeTokens = 0
    /// Tokens chosen.
    package var sampledTokens = 0
    package var sequencesRunning = 0
    package var sequencesWaiting = 0
    package var keyValuePagesReserved = 0
    package var forwardNanoseconds: UInt64 = 0
    package var samplingNanoseconds: UInt64 = 0
    package var stepNanoseconds: UInt64 = 0

    package init() {}
}
