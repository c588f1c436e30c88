/// Records on one thread, the router's loop, without locks, input or output. A recording is a hash look-up and an
/// addition per scope, some tens of nanoseconds (promise P7: under 2 % of decode time).
///
/// It holds two sums: *kept*, from the history and from what was handed to it, and *recent*, what came since.
package struct StatisticsRecorder {
    /// Workers and models beyond this many are recorded for the cluster only.
    package static let scopesMax = 4096

    /// When the statistics began, restarts included.
    package let sinceUnixSeconds: UInt64
    private var kept: [StatisticsScope: ScopeRecord]
    private var recent: [StatisticsScope: ScopeRecord] = [:]

    /// - Parameter history: what earlier runs left (`StatisticsStore.totals`); `.none(nowUnixSeconds:)` without one.
    package init(history: StatisticsTotals) {
        sinceUnixSeconds = history.sinceUnixSeconds
        kept = history.scopes
    }

    /// Adds to a counter of the cluster, and of the worker and model where given.
    package mutating func count(
        _ counter: StatisticsCounter, _ amount: UInt64 = 1, worker: String? = nil, model: String? = nil
    ) {
        update(worker, model) { $0.count(counter, amount) }
    }

    /// Records a latency of the cluster, and of the worker and model where given. `times`: tokens that came together
    /// share their time.
    package mutating func record(
        _ latency: StatisticsLatency, microseconds: UInt64, times: UInt64 = 1, worker: String? = nil,
        model: String? = nil
    ) {
        update(worker, model) { $0.record(latency, microseconds: microseconds, times: times) }
    }

    private mutating func update(_ worker: String?, _ model: String?, _ change: (inout ScopeRecord) -> Void) {
        change(&recent[.cluster, default: .init()])
        if let worker { updateBounded(.worker(worker), change) }
        if let model { updateBounded(.model(model), change) }
    }

    private mutating func updateBounded(_ scope: StatisticsScope, _ change: (inout ScopeRecord) -> Void) {
        guard recent[scope] != nil || kept[scope] != nil || kept.count + recent.count < Self.scopesMax else { return }
        change(&recent[scope, default: .init()])
    }

    /// Everything since `sinceUnixSeconds`.
    package func snapshot() -> StatisticsSnapshot {
        StatisticsSnapshot(
            windowSeconds: 0, sinceUnixSeconds: sinceUnixSeconds,
            records: kept.merging(recent) { old, new in
                var sum = old
                sum.add(new)
                return sum
            })
    }

    /// The last `windowSeconds`, in whole minutes, from the history: `completion` runs on another thread. What is
    /// recent is handed over first, so that it is in there once; what a history that is behind does not take is added.
    package mutating func requestSnapshot(
        windowSeconds: UInt64, from store: StatisticsStore, nowUnixSeconds: UInt64,
        completion: @escaping @Sendable (Result<StatisticsSnapshot, StatisticsStoreError>) -> Void
    ) {
        handOver(to: store, nowUnixSeconds: nowUnixSeconds)
        store.requestSnapshot(
            windowSeconds: windowSeconds, nowUnixSeconds: nowUnixSeconds, unwritten: recent, completion: completion)
    }

    /// Hands what is recent to the history, every few seconds and at the end. A history that is behind takes
    /// nothing; then it stays here and goes with the next hand-over. True when there is nothing left to hand over.
    @discardableResult
    package mutating func handOver(to store: StatisticsStore, nowUnixSeconds: UInt64) -> Bool {
        guard !recent.isEmpty else { return true }
        guard store.offer(recent, unixSeconds: nowUnixSeconds) else { return false }
        for (scope, record) in recent { kept[scope, default: .init()].add(record) }
        recent = [:]
        return true
    }
}

/// The sums that a history begins with.
package struct StatisticsTotals: Sendable, Equatable {
    package var sinceUnixSeconds: UInt64
    package var scopes: [StatisticsScope: ScopeRecord]

    /// A beginning without history.
    package static func none(nowUnixSeconds: UInt64) -> StatisticsTotals {
        StatisticsTotals(sinceUnixSeconds: nowUnixSeconds, scopes: [:])
    }
}
