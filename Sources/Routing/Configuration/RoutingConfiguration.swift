/// What the topology decides about routing.
package struct RoutingConfiguration: Hashable, Sendable {
    /// A name that queries use, and the model that answers.
    package struct Node: Hashable, Sendable {
        package var name: String
        package var model: String

        package init(name: String, model: String) {
            self.name = name
            self.model = model
        }
    }

    /// What all copies of one model must have in common.
    package struct ModelPolicy: Hashable, Sendable {
        /// Nil: whatever the first worker brings.
        package var sha256: String?
        /// Lets workers with other numerics ids or weight files serve the same model. Off: promise P1 needs one id.
        package var mixesNumerics = false

        package init(sha256: String? = nil, mixesNumerics: Bool = false) {
            self.sha256 = sha256
            self.mixesNumerics = mixesNumerics
        }
    }

    package var limits = RoutingLimits()
    package var nodes: [Node] = []
    /// Nodes that queries walk through; a query that a plain model answers needs none.
    package var graph = NodeGraph()
    /// Models that are not here have the default policy.
    package var models: [String: ModelPolicy] = [:]
    /// Names in the topology, so that a status can say `absent`.
    package var expectedWorkers: [String] = []

    /// By worker, the experts that the topology gives it; a worker that is not here may hold none.
    package var experts: [String: Set<String>] = [:]
    /// By worker, the model of whose mixture layers it may hold any expert: their names begin with the model's and a `/`.
    package var shares: [String: String] = [:]

    /// How often workers are told to send heartbeats.
    package var heartbeatMilliseconds: UInt64 = 500
    /// A worker that misses this many in a row is lost: a stopped process is noticed after 1.5 s.
    package var missedHeartbeatsMax: UInt64 = 3
    /// A worker that has work and whose progress does not move for this long is lost, heartbeats or not. Longer than
    /// the longest engine step.
    package var stallMilliseconds: UInt64 = 10_000
    /// A worker that does not acknowledge a withdrawal within this time is lost.
    package var withdrawMilliseconds: UInt64 = 10_000
    /// How long a lost worker stays visible.
    package var lostWorkerMilliseconds: UInt64 = 600_000
    /// How long a worker is avoided after its first failure in a row; doubles with every further one.
    package var ejectionMilliseconds: UInt64 = 500
    package var ejectionMillisecondsMax: UInt64 = 30_000

    package var leaseMilliseconds: UInt64 = 10_000
    package var defaultDeadlineMilliseconds: UInt64 = 120_000
    /// How long a query waits for a worker of its model when none is ready. 0: it fails at once.
    package var waitForWorkerMilliseconds: UInt64 = 0
    /// How long running queries may go on once the router drains.
    package var drainMilliseconds: UInt64 = 10_000
    /// What a `busy` refusal tells the client to wait.
    package var busyRetryMilliseconds: UInt64 = 250
    /// How often a congested connection is tried again, and when it counts as gone.
    package var congestionRetryMilliseconds: UInt64 = 50
    package var congestionMilliseconds: UInt64 = 5_000

    /// Assignment ids count up from here. Workers may outlive a router, so each start of it needs a fresh range: the
    /// shell passes its start time, shifted left.
    package var firstAssignment: UInt64 = 1

    package init() {}
}
