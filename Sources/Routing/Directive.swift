/// What to do: the only way out of `RoutingStateMachine`. Performed in order, all of them, before the next event.
package enum Directive: Hashable, Sendable {
    // To workers.
    case welcome(WorkerConnection, incarnation: UInt64, heartbeatMilliseconds: UInt64)
    /// A Hello was refused, or somebody who is not registered spoke. A worker that gets this tries its Hello again
    /// after `retryAfterMilliseconds`, or gives up where that is 0.
    case refuseWorker(WorkerConnection, Failure)
    case assign(Assign)
    case withdraw(WorkerConnection, AssignmentID)
    /// To a worker with the trunk of a routed model.
    case tellMembership(WorkerConnection, Membership)

    // To clients.
    case deliver(Delivery)
    /// New tokens of a running query: feed its decoder and its stop strings in any case, and send them as a Partial
    /// where there is somebody to send to.
    case advance(Advance)

    // To the shell itself.
    /// Encode this query's prompt and report `prepared` or `preparationFailed` with the same ticket.
    case prepare(QueryKey, ticket: UInt64, Preparation = .query)
    /// Put the answers of several nodes together and report `assembled` with the same ticket.
    case assemble(QueryKey, ticket: UInt64, [AnswerPart], Reassembly)
    /// Ask a server outside the cluster what was last prepared of this query.
    case call(EndpointCall)
    /// What comes of the call is for nobody any more.
    case hangUp(QueryKey, ticket: UInt64)
    /// A branch, one of several nodes that answer a query, is the query now: what is kept of it is the query's, and nobody will speak of
    /// the branch again.
    case adopt(QueryKey, from: QueryKey)
    /// An answer that was held and passed over is the query's after all: its text is that of these tokens.
    case revive(QueryKey, AnswerPart)
    /// The query has ended: drop its decoder, its text, its encoding job. Exactly once per accepted query, after the
    /// delivery of its ending; a branch's, once, without one.
    case forget(QueryKey)
    case observe(Observation)
    case count(Count)
    /// Something an operator may want to read; the shell logs it.
    case note(Note)
}

/// A message to one client about one query.
package struct Delivery: Hashable, Sendable {
    package enum Message: Hashable, Sendable {
        case accepted(Accepted)
        case replay(Replay)
        case final(Final)
        case failure(Failure)
    }

    package var connection: ClientConnection
    package var query: QueryKey
    package var message: Message

    package init(connection: ClientConnection, query: QueryKey, message: Message) {
        self.connection = connection
        self.query = query
        self.message = message
    }
}

package struct Accepted: Hashable, Sendable {
    /// The attempt that is running or will be next; 1 for the first.
    package var attempt: Int
    package var promptTokens: Int
    package var node: String
    package var leaseMilliseconds: UInt64
    /// Remaining.
    package var deadlineMilliseconds: UInt64
}

/// Tokens sent again to a client that attached, or that was congested. All tokens are here because text can only be
/// decoded from the start; what the client wants begins at `from`.
package struct Replay: Hashable, Sendable {
    package var attempt: Int
    package var tokens: [Int32]
    /// Empty, or one per token.
    package var logprobs: [TokenLogprobs]
    package var from: Int
}

package struct Advance: Hashable, Sendable {
    package var query: QueryKey
    package var attempt: Int
    /// Of `tokens[0]` among the generated tokens.
    package var position: Int
    package var tokens: [Int32]
    package var logprobs: [TokenLogprobs]
    /// Nil: nobody is attached, or the connection is congested and gets a replay later.
    package var connection: ClientConnection?
}
