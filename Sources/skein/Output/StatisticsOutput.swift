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

enum ShadowText {
    /// One line for each; empty where there is no shadow.
    static func lines(_ reply: StatisticsReply) -> String {
        reply.shadows.map { shadow in
            let live =
                shadow.liveRows == 0
                ? "" : String(format: ", %.1f %% at %llu live rows", 100 * shadow.liveShare, shadow.liveRows)
            guard shadow.texts > 0 else {
                return "shadow \(shadow.expert) of \(shadow.model): nothing rehearsed yet\(live)\n"
            }
            let change = String(format: "%+.4f", shadow.nllChange)
            let share = String(format: "%.1f", 100 * shadow.share)
            return
                "shadow \(shadow.expert) of \(shadow.model): would win \(share) % of the kept weight, NLL \(change) nats per token "
                + "(\(shadow.texts) texts, \(shadow.tokens) tokens rehearsed\(live))\n"
        }.joined()
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
    let shadows: [ShadowJSON]

    /// An expert published with --shadow, over rehearsals since then.
    struct ShadowJSON: Encodable {
        let model, expert: String
        let texts, tokens: UInt64
        /// Nats per token, with it minus without.
        let nllChange: Double
        /// Of the kept weight over all tokens and sites.
        let share: Double
        /// (token, site) pairs of live traffic that were counted, and the share of their kept weight.
        let liveRows: UInt64
        let liveShare: Double
    }

    init(_ reply: StatisticsReply) {
        windowSeconds = reply.windowSeconds
        since = Date(timeIntervalSince1970: Double(reply.sinceUnixSeconds)).ISO8601Format()
        scopes = reply.scopes.map { ScopeJSON($0) }
        shadows = reply.shadows.map {
            ShadowJSON(
                model: $0.model, expert: $0.expert, texts: $0.texts, tokens: $0.tokens, nllChange: $0.nllChange,
                share: $0.share, liveRows: $0.liveRows, liveShare: $0.liveShare)
        }
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
