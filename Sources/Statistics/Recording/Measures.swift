/// What statistics are kept about.
package enum StatisticsScope: Hashable, Sendable {
    /// The whole cluster; its name is empty.
    case cluster
    case worker(String)
    case model(String)

    /// "cluster", "worker" or "model": the wire's and the database's word.
    package var kind: String {
        switch self {
        case .cluster: "cluster"
        case .worker: "worker"
        case .model: "model"
        }
    }

    package var name: String {
        switch self {
        case .cluster: ""
        case .worker(let name), .model(let name): name
        }
    }

    /// Nil for a kind that this version does not know.
    package init?(kind: String, name: String) {
        switch kind {
        case "cluster": self = .cluster
        case "worker": self = .worker(name)
        case "model": self = .model(name)
        default: return nil
        }
    }
}

/// What is counted. The raw values are the names on the wire, in `--json` and in the database: never change one.
package enum StatisticsCounter: String, CaseIterable, Sendable {
    /// Accepted queries.
    case accepted
    /// Queries that ended with an answer.
    case answered
    /// Accepted queries that ended with a failure other than the client's cancelling.
    case failed
    /// Accepted queries that the client cancelled or abandoned (its lease ran out).
    case cancelled
    /// Queries that were never accepted: full queue, unknown node, prompt too long, …
    case refused
    /// Queries answered again from what was retained.
    case replayed
    /// Dispatches after the first: a worker was lost with work in flight.
    case redispatched
    /// Workers lost: silence, stuck work, or a closed connection.
    case workersLost
    /// Tokens in: prompt tokens of first dispatches.
    case promptTokens
    /// Tokens out: generated tokens sent on.
    case generatedTokens
}

/// What is timed, in microseconds. The raw values are names for good, like those of the counters.
package enum StatisticsLatency: String, CaseIterable, Sendable {
    /// Accepted until dispatched.
    case queue
    /// Accepted until the first token.
    case firstToken
    /// From one token to the next.
    case perToken
    /// Accepted until the ending.
    case total
}
