/// Statistics at one moment, as plain values: what the wire, `--json` and the table show. Names are text here, so that
/// a newer router's counters pass through an older client.
package struct StatisticsSnapshot: Sendable, Equatable {
    /// One latency; all times in microseconds.
    package struct Latency: Sendable, Equatable {
        package var name: String
        package var count: UInt64
        package var mean: Double
        package var p50: UInt64
        package var p90: UInt64
        package var p99: UInt64
        package var max: UInt64

        package init(name: String, count: UInt64, mean: Double, p50: UInt64, p90: UInt64, p99: UInt64, max: UInt64) {
            self.name = name
            self.count = count
            self.mean = mean
            self.p50 = p50
            self.p90 = p90
            self.p99 = p99
            self.max = max
        }
    }

    package struct Counter: Sendable, Equatable {
        package var name: String
        package var value: UInt64

        package init(name: String, value: UInt64) {
            self.name = name
            self.value = value
        }
    }

    package struct Scope: Sendable, Equatable {
        /// "cluster", "worker", "model".
        package var kind: String
        /// Empty for the cluster.
        package var name: String
        package var counters: [Counter]
        package var latencies: [Latency]

        package init(kind: String, name: String, counters: [Counter], latencies: [Latency]) {
            self.kind = kind
            self.name = name
            self.counters = counters
            self.latencies = latencies
        }

        /// 0 where the counter is not there.
        package subscript(counter: StatisticsCounter) -> UInt64 {
            counters.first { $0.name == counter.rawValue }?.value ?? 0
        }

        package subscript(latency: StatisticsLatency) -> Latency? {
            latencies.first { $0.name == latency.rawValue }
        }
    }

    /// 0: since the statistics began.
    package var windowSeconds: UInt64
    package var sinceUnixSeconds: UInt64
    /// The cluster first, then workers, then models, each by name.
    package var scopes: [Scope]

    package init(windowSeconds: UInt64, sinceUnixSeconds: UInt64, scopes: [Scope]) {
        self.windowSeconds = windowSeconds
        self.sinceUnixSeconds = sinceUnixSeconds
        self.scopes = scopes
    }

    package func scope(_ scope: StatisticsScope) -> Scope? {
        scopes.first { $0.kind == scope.kind && $0.name == scope.name }
    }
}

extension StatisticsSnapshot {
    init(windowSeconds: UInt64, sinceUnixSeconds: UInt64, records: [StatisticsScope: ScopeRecord]) {
        let ordered = records.sorted { ($0.key.rank, $0.key.name) < ($1.key.rank, $1.key.name) }
        self.init(
            windowSeconds: windowSeconds, sinceUnixSeconds: sinceUnixSeconds,
            scopes: ordered.map { Scope($0.key, $0.value) })
    }
}

extension StatisticsSnapshot.Scope {
    init(_ scope: StatisticsScope, _ record: ScopeRecord) {
        self.init(
            kind: scope.kind, name: scope.name,
            counters: StatisticsCounter.allCases.map { .init(name: $0.rawValue, value: record[$0]) },
            latencies: StatisticsLatency.allCases.map { .init($0, record[$0]) })
    }
}

extension StatisticsSnapshot.Latency {
    init(_ latency: StatisticsLatency, _ histogram: LatencyHistogram) {
        self.init(
            name: latency.rawValue, count: histogram.count, mean: histogram.mean, p50: histogram.percentile(50),
            p90: histogram.percentile(90), p99: histogram.percentile(99), max: histogram.max)
    }
}

extension StatisticsScope {
    fileprivate var rank: Int {
        switch self {
        case .cluster: 0
        case .worker: 1
        case .model: 2
        }
    }
}
