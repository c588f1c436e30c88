/// Every bound of the router's decisions, in one place. Beyond one of them comes a typed refusal, at once.
package struct RoutingLimits: Hashable, Sendable {
    /// Queries that have not ended: preparing, queued and running.
    package var queriesMax = 1024
    /// Of these, the ones never dispatched yet: preparing and queued.
    package var queuedMax = 512
    package var promptTokensMax = 131_072
    /// Over all queries that have not ended.
    package var promptTokensTotalMax = 4 << 20
    /// What one query may ask for.
    package var generatedTokensMax = 131_072
    package var topLogprobsMax = 20
    package var deadlineMillisecondsMax: UInt64 = 3_600_000
    /// Bytes of an identity, node, model, worker or numerics name.
    package var nameBytesMax = 256
    /// Ids in one lease message.
    package var leaseIDsMax = 256

    /// Workers known at once, lost ones included.
    package var workersMax = 256
    package var expertsPerWorkerMax = 4096
    package var modelsPerWorkerMax = 64
    /// A larger capacity in a Hello is cut to this.
    package var capacityPerWorkerMax = 256

    /// After this many re-dispatches a query fails.
    package var redispatchesMax = 2
    /// A query that has taken this many workers with it fails as `poisonQuery`.
    package var workersKilledMax = 2

    /// Ended queries whose outcome can be replayed.
    package var retainedMax = 1024
    package var retainedPerIdentityMax = 256
    package var retainedBytesMax = 16 << 20
    package var retainedMilliseconds: UInt64 = 60_000

    /// Clients whose connection takes no more for the moment; beyond it they are detached.
    package var congestedConnectionsMax = 256
    /// Refusals kept for a congested connection until it takes them; further ones are dropped, and counted.
    package var refusalsHeldMax = 64

    package init() {}
}
