import Routing
import Topology

extension RoutingConfiguration {
    /// What the topology says about routing.
    ///
    /// - Parameter startMicroseconds: of this router process. Workers may outlive it, so assignment ids start where no
    ///   earlier router can have come to.
    init(_ topology: ClusterTopology, startMicroseconds: UInt64) {
        self.init()
        let bounds = topology.router.limits
        nodes = topology.nodes.compactMap { node in
            node.model.map { Node(name: node.name, model: node.functionalFolder == nil ? $0 : node.masterHolding) }
        }
        graph = NodeGraph(topology)
        models = Dictionary(
            topology.models.map { ($0.name, ModelPolicy(sha256: $0.sha256)) }, uniquingKeysWith: { first, _ in first })
        expectedWorkers = topology.workers.map(\.name)
        experts = Dictionary(
            topology.workers.compactMap { worker in worker.experts.map { (worker.name, Set($0.names)) } },
            uniquingKeysWith: { first, _ in first })
        shares = Dictionary(
            topology.workers.compactMap { worker in worker.share.map { (worker.name, $0.model) } },
            uniquingKeysWith: { first, _ in first })
        heartbeatMilliseconds = UInt64(bounds.heartbeatMilliseconds)
        missedHeartbeatsMax = UInt64(max(2, bounds.workerLostMilliseconds / bounds.heartbeatMilliseconds))
        leaseMilliseconds = UInt64(bounds.leaseMilliseconds)
        defaultDeadlineMilliseconds = UInt64(bounds.deadlineMillisecondsDefault)
        firstAssignment = startMicroseconds << 12
        limits = RoutingLimits(bounds)
    }
}

extension RoutingLimits {
    fileprivate init(_ bounds: RouterLimits) {
        self.init()
        queuedMax = bounds.queueMax
        queriesMax = max(queriesMax, 2 * bounds.queueMax)
        generatedTokensMax = bounds.maxTokensMax
        deadlineMillisecondsMax = UInt64(bounds.deadlineMillisecondsMax)
        retainedMax = bounds.retentionCount
        retainedBytesMax = bounds.retentionBytes
        retainedMilliseconds = UInt64(bounds.retentionSeconds) * 1000
    }
}
