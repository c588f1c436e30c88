import Foundation
import Messaging
import Routing
import Statistics
import Threading

/// What the routing core observes on its way into the recorder, and the recorder's way out: the PUB stream once a
/// second, the history every five: what a router that is killed takes with it.
struct RouterStatistics {
    private static let publishMicroseconds: UInt64 = 1_000_000
    private static let handOverMicroseconds: UInt64 = 5_000_000

    private var recorder: StatisticsRecorder
    private let store: StatisticsStore?
    private let epoch: UInt64
    private var sequence: UInt64 = 0
    private(set) var nextMicroseconds: UInt64
    private var nextHandOver: UInt64

    /// - Parameter store: nil when there is no history to be had; the router goes on without.
    init(store: StatisticsStore?) {
        self.store = store
        recorder = StatisticsRecorder(history: store?.totals ?? .none(nowUnixSeconds: Self.unixSeconds))
        epoch = UInt64(Date().timeIntervalSince1970 * 1000)
        nextMicroseconds = MonotonicClock.nowMicroseconds + Self.publishMicroseconds
        nextHandOver = MonotonicClock.nowMicroseconds + Self.handOverMicroseconds
    }

    static var unixSeconds: UInt64 { UInt64(Date().timeIntervalSince1970) }

    mutating func observe(_ observation: Observation) {
        let latency: StatisticsLatency =
            switch observation.metric {
            case .queue: .queue
            case .firstToken: .firstToken
            case .perToken: .perToken
            case .total: .total
            }
        recorder.record(
            latency, microseconds: observation.microseconds, worker: observation.worker, model: observation.model)
    }

    mutating func count(_ count: Count) {
        guard let counter = StatisticsCounter(count) else { return }
        recorder.count(counter, count.by, worker: count.worker, model: count.model)
    }

    /// The next message of the PUB stream, when its time has come.
    mutating func due(nowMicroseconds: UInt64) -> StatisticsEvent? {
        guard nowMicroseconds >= nextMicroseconds else { return nil }
        nextMicroseconds = nowMicroseconds + Self.publishMicroseconds
        if let store, nowMicroseconds >= nextHandOver {
            nextHandOver = nowMicroseconds + Self.handOverMicroseconds
            recorder.handOver(to: store, nowUnixSeconds: Self.unixSeconds)
        }
        sequence += 1
        return StatisticsEvent(
            sequence: sequence, unixMilliseconds: UInt64(Date().timeIntervalSince1970 * 1000), routerEpoch: epoch,
            scopes: recorder.snapshot().wireScopes)
    }

    /// Everything since the beginning, at once.
    func total() -> StatisticsReply { StatisticsReply(recorder.snapshot()) }

    /// The last `seconds`, from the history, on another thread; nil where there is no history.
    mutating func window(
        seconds: UInt64, completion: @escaping @Sendable (Result<StatisticsSnapshot, StatisticsStoreError>) -> Void
    ) -> Bool {
        guard let store else { return false }
        recorder.requestSnapshot(
            windowSeconds: seconds, from: store, nowUnixSeconds: Self.unixSeconds, completion: completion)
        return true
    }

    mutating func finish() {
        guard let store else { return }
        recorder.handOver(to: store, nowUnixSeconds: Self.unixSeconds)
        try? store.finish()
    }
}

extension StatisticsCounter {
    /// Nil for what only the log tells.
    fileprivate init?(_ count: Count) {
        switch count.counter {
        case .queriesAccepted: self = .accepted
        case .queriesRefused: self = .refused
        case .queriesAnswered: self = .answered
        case .queriesFailed:
            self =
                switch count.failure {
                case .cancelled, .leaseExpired: .cancelled
                // Found once the prompt was encoded, and the asker's to mend all the same.
                case .emptyPrompt, .promptTooLong, .invalidParameter, .busy: .refused
                default: .failed
                }
        case .queriesReplayed: self = .replayed
        case .redispatches: self = .redispatched
        case .workersLost: self = .workersLost
        case .tokensIn: self = .promptTokens
        case .tokensOut: self = .generatedTokens
        default: return nil
        }
    }
}

extension StatisticsReply {
    init(_ snapshot: StatisticsSnapshot) {
        self.init(
            windowSeconds: snapshot.windowSeconds, sinceUnixSeconds: snapshot.sinceUnixSeconds,
            scopes: snapshot.wireScopes)
    }
}

extension StatisticsSnapshot {
    fileprivate var wireScopes: [ScopeStatistics] {
        scopes.prefix(WireLimits.scopesMax).map { scope in
            ScopeStatistics(
                scope: scope.kind, name: scope.name,
                counters: scope.counters.map { Messaging.Counter(name: $0.name, value: $0.value) },
                latencies: scope.latencies.map {
                    Percentiles(
                        name: $0.name, count: $0.count, mean: $0.mean, p50: $0.p50, p90: $0.p90, p99: $0.p99,
                        max: $0.max)
                })
        }
    }
}
