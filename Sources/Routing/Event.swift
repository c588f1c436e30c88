/// What happened: the only way into `RoutingStateMachine`. The shell makes events of frames, socket errors, timers and
/// finished encodings.
package enum Event: Sendable {
    /// Time passed. Due no later than `nextDeadline`; harmless at any moment.
    case tick
    /// Take no new queries, let the running ones end within `drainMilliseconds`.
    case drain

    // Clients.
    case submitted(Submission)
    /// The encoding that `Directive.prepare` with this ticket asked for.
    case prepared(QueryKey, ticket: UInt64, promptTokens: [Int32], rewrite: RewriteNote? = nil)
    case preparationFailed(QueryKey, ticket: UInt64, Failure)
    /// Of a call: bytes of the answer, UTF-8, in order.
    case called(QueryKey, ticket: UInt64, bytes: [UInt8])
    case callEnded(QueryKey, ticket: UInt64, EndpointEnding)
    /// What `Directive.assemble` asked for, UTF-8.
    case assembled(QueryKey, ticket: UInt64, bytes: [UInt8])
    /// The topology was edited; queries that walk already go on in the new graph.
    case graphChanged(NodeGraph)
    case cancelled(QueryKey, from: ClientConnection)
    case leasesRenewed(identity: String, ids: [QueryID], from: ClientConnection)
    /// The shell found a stop string while decoding; the first `keepTokens` generated tokens are the answer. To be
    /// handed in before any other event, as are the next two.
    case stopped(QueryKey, keepTokens: Int)
    /// A message to this client had nowhere to go (EHOSTUNREACH): its queries run on, detached, until they are
    /// attached to again or their leases expire.
    case undeliverable(ClientConnection)
    /// A message about this query to this client did not fit (EAGAIN); `position` is the first generated token that was
    /// in it (for an Accepted: 0; for an ending: the number of generated tokens); `failure` is the message's, if it was
    /// one. The machine sends it again later.
    case congested(ClientConnection, query: QueryKey, position: Int, failure: Failure? = nil)

    // Workers. The shell has checked that the connection's key may speak for the name.
    case hello(Hello, from: WorkerConnection)
    case heartbeat(Heartbeat, from: WorkerConnection)
    case goodbye(incarnation: UInt64, reason: String, from: WorkerConnection)
    case generated(Generated, from: WorkerConnection)
    case ended(Ended, from: WorkerConnection)
    /// A worker may hold these experts besides those that the topology gives it.
    case expertsGranted([String], worker: String)
    /// The connection is gone, or takes no more frames: an immediate loss.
    case workerDisconnected(WorkerConnection)

    /// What became of directives, as opposed to what happened in the world.
    var isReport: Bool {
        switch self {
        case .stopped, .undeliverable, .congested: true
        default: false
        }
    }
}
