/// Counters and histograms of one scope: a sum that can be added to another.
package struct ScopeRecord: Sendable, Equatable {
    /// By `StatisticsCounter.allCases` position.
    private var counters = [UInt64](repeating: 0, count: StatisticsCounter.allCases.count)
    /// By `StatisticsLatency.allCases` position.
    private var latencies = [LatencyHistogram](repeating: .init(), count: StatisticsLatency.allCases.count)

    package init() {}

    package var isEmpty: Bool {
        counters.allSatisfy { $0 == 0 } && latencies.allSatisfy(\.isEmpty)
    }

    package subscript(counter: StatisticsCounter) -> UInt64 {
        get { counters[counter.position] }
        set { counters[counter.position] = newValue }
    }

    package subscript(latency: StatisticsLatency) -> LatencyHistogram {
        get { latencies[latency.position] }
        set { latencies[latency.position] = newValue }
    }

    mutating func count(_ counter: StatisticsCounter, _ amount: UInt64) {
        counters[counter.position] &+= amount
    }

    mutating func record(_ latency: StatisticsLatency, microseconds: UInt64, times: UInt64) {
        latencies[latency.position].record(microseconds: microseconds, times: times)
    }

    package mutating func add(_ other: ScopeRecord) {
        for index in counters.indices { counters[index] &+= other.counters[index] }
        for index in latencies.indices where !other.latencies[index].isEmpty {
            latencies[index].add(other.latencies[index])
        }
    }
}

extension StatisticsCounter {
    fileprivate var position: Int {
        switch self {
        case .accepted: 0
        case .answered: 1
        case .failed: 2
        case .cancelled: 3
        case .refused: 4
        case .replayed: 5
        case .redispatched: 6
        case .workersLost: 7
        case .promptTokens: 8
        case .generatedTokens: 9
        }
    }
}

extension StatisticsLatency {
    fileprivate var position: Int {
        switch self {
        case .queue: 0
        case .firstToken: 1
        case .perToken: 2
        case .total: 3
        }
    }
}
