/// A snapshot for `skein status`.
package struct RoutingStatus: Hashable, Sendable {
    package enum State: String, Hashable, Sendable { case ready, degraded, draining }

    package struct Worker: Hashable, Sendable {
        package var name: String
        package var state: WorkerState
        package var models: [String]
        package var inFlight: Int
        package var capacity: Int
        package var residentBytes: UInt64
        package var progress: UInt64
        package var numerics: String
        package var experts: [String]
    }

    package struct Node: Hashable, Sendable {
        package var name: String
        package var model: String
        package var readyWorkers: Int
    }

    /// Ready: every expected worker is.
    package var state: State
    /// Accepted and not yet dispatched, queries whose prompt is being encoded included.
    package var queued: Int
    package var inFlight: Int
    package var retained: Int
    package var workers: [Worker]
    package var nodes: [Node]
}

/// What a worker is good for. Raw values are the wire's.
package enum WorkerState: String, Hashable, Sendable {
    /// Registered; weights not loaded yet.
    case loading
    case ready
    /// Said goodbye: finishes what it has.
    case draining
    /// Ready, but its last heartbeat is overdue: others are preferred.
    case suspect
    /// Silent for too long, stuck, or disconnected.
    case lost
    /// Expected by the topology, never seen.
    case absent
}
