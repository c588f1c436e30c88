/// `router: limits:` — the router's bounds. Beyond a bound comes a typed refusal at once (promise P5).
package struct RouterLimits: Equatable, Sendable {
    /// Queries that wait for a worker; beyond it, or beyond an identity's share of it, one is refused as busy.
    package var queueMax = 256
    /// For a query that does not say.
    package var maxTokensDefault = 512
    /// The most a query may ask for.
    package var maxTokensMax = 8192
    package var deadlineMillisecondsDefault = 120_000
    package var deadlineMillisecondsMax = 3_600_000
    /// A client that does not renew within this time has its query cancelled.
    package var leaseMilliseconds = 10_000
    /// Finished queries kept for replay: by count, by bytes and by age.
    package var retentionCount = 1024
    package var retentionBytes = 16 << 20
    package var retentionSeconds = 300
    /// How often a worker reports.
    package var heartbeatMilliseconds = 500
    /// Silence after which a worker counts as lost.
    package var workerLostMilliseconds = 2500

    package init() {}
}

extension RouterLimits {
    static let keys = [
        "queue_max", "max_tokens_default", "max_tokens_max",
        "deadline_milliseconds_default", "deadline_milliseconds_max", "lease_milliseconds", "retention_count",
        "retention_bytes", "retention_seconds", "heartbeat_milliseconds", "worker_lost_milliseconds",
    ]

    init(reading section: Section) {
        self.init()
        readQueue(section)
        readPerQuery(section)
        readRetention(section)
        readHeartbeat(section)
    }

    private mutating func readQueue(_ section: Section) {
        queueMax = section.integer("queue_max", in: 1...65_536, default: queueMax, unit: "queries")
    }

    private mutating func readPerQuery(_ section: Section) {
        maxTokensMax = section.integer("max_tokens_max", in: 1...1_048_576, default: maxTokensMax, unit: "tokens")
        maxTokensDefault = section.integer(
            "max_tokens_default", in: 1...1_048_576, default: min(maxTokensDefault, maxTokensMax), unit: "tokens")
        if maxTokensDefault > maxTokensMax {
            section.add(
                "max_tokens_default", "\(maxTokensDefault) is more than max_tokens_max, \(maxTokensMax); lower it")
        }
        deadlineMillisecondsMax = section.integer(
            "deadline_milliseconds_max", in: 100...86_400_000, default: deadlineMillisecondsMax, unit: "milliseconds")
        deadlineMillisecondsDefault = section.integer(
            "deadline_milliseconds_default", in: 100...86_400_000,
            default: min(deadlineMillisecondsDefault, deadlineMillisecondsMax), unit: "milliseconds")
        if deadlineMillisecondsDefault > deadlineMillisecondsMax {
            section.add(
                "deadline_milliseconds_default",
                "\(deadlineMillisecondsDefault) is more than deadline_milliseconds_max, \(deadlineMillisecondsMax); lower it"
            )
        }
        leaseMilliseconds = section.integer(
            "lease_milliseconds", in: 500...600_000, default: leaseMilliseconds, unit: "milliseconds")
    }

    private mutating func readRetention(_ section: Section) {
        retentionCount = section.integer("retention_count", in: 0...1_000_000, default: retentionCount, unit: "queries")
        retentionBytes = section.integer("retention_bytes", in: 0...(4 << 30), default: retentionBytes, unit: "bytes")
        retentionSeconds = section.integer(
            "retention_seconds", in: 0...86_400, default: retentionSeconds, unit: "seconds")
    }

    private mutating func readHeartbeat(_ section: Section) {
        heartbeatMilliseconds = section.integer(
            "heartbeat_milliseconds", in: 20...60_000, default: heartbeatMilliseconds, unit: "milliseconds")
        // Five beats by default: one that comes late is no loss.
        workerLostMilliseconds = section.integer(
            "worker_lost_milliseconds", in: 40...600_000, default: 5 * heartbeatMilliseconds, unit: "milliseconds")
        if workerLostMilliseconds < 2 * heartbeatMilliseconds {
            section.add(
                "worker_lost_milliseconds",
                "\(workerLostMilliseconds) leaves no room for one late heartbeat; "
                    + "give at least twice heartbeat_milliseconds, \(2 * heartbeatMilliseconds)")
        }
    }
}
