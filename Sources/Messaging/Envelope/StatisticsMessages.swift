/// One latency, in microseconds.
package struct Percentiles: Sendable, Equatable {
    /// "queue", "firstToken", "perToken" or "total".
    package var name: String
    package var count: UInt64
    package var mean: Double
    package var p50: UInt64
    package var p90: UInt64
    package var p99: UInt64
    package var max: UInt64

    package init(
        name: String = "", count: UInt64 = 0, mean: Double = 0, p50: UInt64 = 0, p90: UInt64 = 0, p99: UInt64 = 0,
        max: UInt64 = 0
    ) {
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

    package init(name: String = "", value: UInt64 = 0) {
        self.name = name
        self.value = value
    }
}

/// The statistics of the cluster, a worker or a model.
package struct ScopeStatistics: Sendable, Equatable {
    /// "cluster" (with an empty name), "worker" or "model".
    package var scope: String
    package var name: String
    package var counters: [Counter]
    package var latencies: [Percentiles]

    package init(
        scope: String = "", name: String = "", counters: [Counter] = [], latencies: [Percentiles] = []
    ) {
        self.scope = scope
        self.name = name
        self.counters = counters
        self.latencies = latencies
    }
}

package struct StatisticsRequest: Sendable, Equatable {
    /// 0: since the statistics began, restarts included.
    package var windowSeconds: UInt64

    package init(windowSeconds: UInt64 = 0) {
        self.windowSeconds = windowSeconds
    }
}

package struct StatisticsReply: Sendable, Equatable {
    /// As asked.
    package var windowSeconds: UInt64
    package var sinceUnixSeconds: UInt64
    package var scopes: [ScopeStatistics]
    /// Since each was published, whatever the window.
    package var shadows: [ShadowReport]

    package init(
        windowSeconds: UInt64 = 0, sinceUnixSeconds: UInt64 = 0, scopes: [ScopeStatistics] = [],
        shadows: [ShadowReport] = []
    ) {
        self.shadows = shadows
        self.windowSeconds = windowSeconds
        self.sinceUnixSeconds = sinceUnixSeconds
        self.scopes = scopes
    }
}

/// Once a second on the PUB socket.
package struct StatisticsEvent: Sendable, Equatable {
    /// The first frame on the PUB socket, before the envelope.
    package static let topic = "skein.statistics"

    /// A gap is a lost message.
    package var sequence: UInt64
    package var unixMilliseconds: UInt64
    /// Changes when the router restarts.
    package var routerEpoch: UInt64
    package var scopes: [ScopeStatistics]

    package init(
        sequence: UInt64 = 0, unixMilliseconds: UInt64 = 0, routerEpoch: UInt64 = 0, scopes: [ScopeStatistics] = []
    ) {
        self.sequence = sequence
        self.unixMilliseconds = unixMilliseconds
        self.routerEpoch = routerEpoch
        self.scopes = scopes
    }
}

package struct StatusRequest: Sendable, Equatable {
    package init() {}
}

package struct WorkerStatus: Sendable, Equatable {
    package var name: String
    /// "loading", "ready", "draining", "suspect", "lost" or "absent".
    package var state: String
    package var models: [String]
    package var inFlight: UInt32
    package var capacity: UInt32
    package var residentBytes: UInt64
    package var progress: UInt64
    package var numerics: String
    package var experts: [String]

    package init(
        name: String = "", state: String = "", models: [String] = [], inFlight: UInt32 = 0, capacity: UInt32 = 0,
        residentBytes: UInt64 = 0, progress: UInt64 = 0, numerics: String = "", experts: [String] = []
    ) {
        self.name = name
        self.state = state
        self.models = models
        self.inFlight = inFlight
        self.capacity = capacity
        self.residentBytes = residentBytes
        self.progress = progress
        self.numerics = numerics
        self.experts = experts
    }
}

package struct NodeStatus: Sendable, Equatable {
    package var name: String
    package var model: String
    package var readyWorkers: UInt32

    package init(name: String = "", model: String = "", readyWorkers: UInt32 = 0) {
        self.name = name
        self.model = model
        self.readyWorkers = readyWorkers
    }
}

package struct StatusReply: Sendable, Equatable {
    package var cluster: String
    /// "ready" (every worker of the topology is), "degraded" or "draining".
    package var state: String
    package var uptimeMilliseconds: UInt64
    package var queued: UInt32
    package var inFlight: UInt32
    package var workers: [WorkerStatus]
    package var nodes: [NodeStatus]

    package init(
        cluster: String = "", state: String = "", uptimeMilliseconds: UInt64 = 0, queued: UInt32 = 0,
        inFlight: UInt32 = 0, workers: [WorkerStatus] = [], nodes: [NodeStatus] = []
    ) {
        self.cluster = cluster
        self.state = state
        self.uptimeMilliseconds = uptimeMilliseconds
        self.queued = queued
        self.inFlight = inFlight
        self.workers = workers
        self.nodes = nodes
    }
}
