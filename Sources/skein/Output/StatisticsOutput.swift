import Foundation
import Messaging
import Statistics

extension StatisticsSnapshot {
    init(_ reply: StatisticsReply) {
        self.init(
            windowSeconds: reply.windowSeconds, sinceUnixSeconds: reply.sinceUnixSeconds,
            scopes: reply.scopes.map { Scope($0) })
    }

    func renderedNow() -> String {
        StatisticsTable.render(self, nowUnixSeconds: UInt64(max(0, Date().timeIntervalSince1970)))
    }
}

extension StatisticsSnapshot.Scope {
    init(_ scope: ScopeStatistics) {
        self.init(
            kind: scope.scope, name: scope.name, counters: scope.counters.map { .init(name: $0.name, value: $0.value) },
            latencies: scope.latencies.map {
                .init(name: $0.name, count: $0.count, mean: $0.mean, p50: $0.p50, p90: $0.p90, p99: $0.p99, max: $0.max)
            })
    }
}

/// `skein stats --json`.
struct StatisticsJSON: Encodable {
    /// All but the count in microseconds.
    struct LatencyJSON: Encodable {
        let count: UInt64
        let mean: Double
        let p50, p90, p99, max: UInt64
    }

    struct ScopeJSON: Encodable {
        /// "cluster", "worker" or "model".
        let scope: String
        /// Empty for the cluster.
        let name: String
        let counters: [String: UInt64]
        let latencies: [String: LatencyJSON]
    }

    /// 0: since the statistics began.
    let windowSeconds: UInt64
    /// ISO 8601, UTC.
    let since: String
    let latencyUnit = "microseconds"
    let scopes: [ScopeJSON]

    init(_ reply: StatisticsReply) {
        windowSeconds = reply.windowSeconds
        since = Date(timeIntervalSince1970: Double(reply.sinceUnixSeconds)).ISO8601Format()
        scopes = reply.scopes.map { ScopeJSON($0) }
    }
}

extension StatisticsJSON.ScopeJSON {
    init(_ scope: ScopeStatistics) {
        self.init(
            scope: scope.scope, name: scope.name,
            counters: Dictionary(scope.counters.map { ($0.name, $0.value) }) { first, _ in first },
            latencies: Dictionary(
                scope.latencies.map {
                    ($0.name, .init(count: $0.count, mean: $0.mean, p50: $0.p50, p90: $0.p90, p99: $0.p99, max: $0.max))
                }
            ) { first, _ in first })
    }
}
