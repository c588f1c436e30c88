/// One measured duration, for the histograms.
package struct Observation: Hashable, Sendable {
    package enum Metric: String, Hashable, Sendable, CaseIterable {
        /// Accepted until first dispatched.
        case queue
        /// Accepted until the first token.
        case firstToken
        /// Mean time between two tokens of one query.
        case perToken
        /// Accepted until answered.
        case total
    }

    package var metric: Metric
    package var microseconds: UInt64
    package var model: String
    package var worker: String
}

/// An increment of one counter.
package struct Count: Hashable, Sendable {
    package enum Counter: String, Hashable, Sendable, CaseIterable {
        case queriesAccepted, queriesRefused, queriesAnswered, queriesFailed, queriesReattached, queriesReplayed
        case tokensIn, tokensOut
        case dispatches, redispatches
        case workersRegistered, workersRefused, workersLost, workersRevived
        /// Tokens that came twice, and messages about assignments that are no more.
        case duplicateTokens, staleMessages
        /// Assignments whose worker skipped a position, contradicted itself or said too much.
        case workerFaults
        case congestions, detachments, refusalsDropped
    }

    package var counter: Counter
    package var by: UInt64
    /// Nil where the counter is the cluster's.
    package var model: String?
    package var worker: String?
    /// With `queriesRefused` and `queriesFailed`.
    package var failure: FailureKind?
}

/// A sentence for the log. Holds names and numbers, never a prompt or an answer.
package struct Note: Hashable, Sendable {
    package enum Level: Hashable, Sendable { case debug, info, warning }

    package var level: Level
    package var text: String
}
