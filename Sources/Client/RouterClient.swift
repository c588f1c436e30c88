import Messaging
import Threading

/// A client of a router's front socket: streams of answers with their leases, cancellation, statistics, status.
///
/// It has a thread of its own, keeps leases alive, finds its way back after a broken connection, and ends every query:
/// with the router's word, or with `unknownOutcome` when the router is gone.
package final class RouterClient: Sendable {
    package let endpoint: Endpoint
    private let options: ClientOptions
    private let loop: MessageLoop<ClientLoop>
    private let context: ZeroMQContext

    /// Starts connecting and returns at once. A query submitted before the connection is there waits for it.
    package init(
        _ endpoint: Endpoint, security: ConnectorSecurity = .none, options: ClientOptions = ClientOptions()
    ) throws {
        let context = try ZeroMQContext()
        let socket = try Socket(context, .dealer, options: options.socket)
        let monitor = try socket.monitor()
        try socket.connect(endpoint, security: security)
        self.endpoint = endpoint
        self.options = options
        self.context = context
        loop = try MessageLoop(name: "client", sockets: [socket, monitor]) { port in
            ClientLoop(port: port, endpoint: endpoint, options: options)
        }
    }

    /// Connects and waits for the router's handshake; throws `unreachable` where it does not come.
    package static func connect(
        _ endpoint: Endpoint, security: ConnectorSecurity = .none, options: ClientOptions = ClientOptions()
    ) async throws -> RouterClient {
        let client = try RouterClient(endpoint, security: security, options: options)
        do {
            _ = try await client.request(.connection, milliseconds: options.connectMilliseconds)
        } catch {
            client.close()
            throw error
        }
        return client
    }

    /// Sends a query and returns its events. The stream always ends with exactly one `final` or `failure`, unless the
    /// reading task is cancelled. A stream keeps its client.
    package func submit(_ query: Query) -> QueryStream {
        let slot = EventSlot()
        let stream = QueryStream(id: query.id, slot: slot, client: self)
        if !loop.post(.submit(query, slot)) {
            let message = "the client is closed or has too much under way"
            slot.put(.failure(Failure(id: query.id, kind: .busy, message: message)))
        }
        return stream
    }

    /// Asks the router to end a query; its stream ends with `cancelled`, or with whatever came first.
    package func cancel(_ id: QueryID) { _ = loop.post(.cancel(id)) }

    package func status() async throws(ClientError) -> StatusReply {
        guard case .statusReply(let reply) = try await request(.status, milliseconds: options.requestMilliseconds)
        else {
            throw .timedOut("its status")
        }
        return reply
    }

    /// `windowSeconds` 0: since the statistics began.
    package func statistics(windowSeconds: UInt64 = 0) async throws(ClientError) -> StatisticsReply {
        let kind = PendingRequest.Kind.statistics(windowSeconds: windowSeconds)
        guard case .statisticsReply(let reply) = try await request(kind, milliseconds: options.requestMilliseconds)
        else {
            throw .timedOut("statistics")
        }
        return reply
    }

    /// Publishes or retires an expert, or moves some; needs a key with the role operator. Waits as long as loading may take, once, or for
    /// every step of a move.
    ///
    /// - Parameter content: where this machine has what is published, for a router that does not find it; nil: in the folder that the
    ///   change names.
    package func change(
        _ change: ChangeExperts, content: String? = nil
    ) async throws(ClientError) -> ExpertsChanged {
        let kind = PendingRequest.Kind.change(change, content: content ?? change.folder)
        let milliseconds = change.change == .place ? 600_000 : 60_000
        guard case .expertsChanged(let reply) = try await request(kind, milliseconds: milliseconds) else {
            throw .timedOut("a change of experts")
        }
        return reply
    }

    /// What tokens of a routed model have chosen since the router started, in as many requests as it takes.
    /// - Parameter model: empty: the one that was asked last.
    package func routing(model: String = "") async throws(ClientError) -> RoutingReport {
        var whole: RoutingReport?
        repeat {
            let kind = PendingRequest.Kind.routing(
                model: whole?.model ?? model, firstSite: UInt32(clamping: whole?.sites.count ?? 0))
            guard case .routingReport(let part) = try await request(kind, milliseconds: options.requestMilliseconds),
                whole == nil || whole?.setSHA256 == part.setSHA256, whole == nil || !part.sites.isEmpty
            else { throw .timedOut("what tokens have chosen: the set of experts has just changed") }
            var sum = whole ?? part
            if whole != nil { sum.sites += part.sites }
            whole = sum
        } while (whole?.sites.count ?? 0) < Int(whole?.siteCount ?? 0)
        guard let whole else { throw .timedOut("what tokens have chosen") }
        return whole
    }

    /// Cancels what runs, sends what is left to send and ends. Blocks for at most about the linger time.
    package func close() {
        loop.stop()
        loop.join()
        context.end()
    }

    private func request(_ kind: PendingRequest.Kind, milliseconds: Int) async throws(ClientError) -> Message {
        let deadline = MonotonicClock.nowMicroseconds + UInt64(milliseconds) * 1000
        let result = await withCheckedContinuation {
            (continuation: CheckedContinuation<Result<Message, ClientError>, Never>) in
            let request = PendingRequest(kind: kind, deadlineMicroseconds: deadline) {
                continuation.resume(returning: $0)
            }
            if !loop.post(.request(request)) { continuation.resume(returning: .failure(.closed)) }
        }
        return try result.get()
    }

    deinit { close() }
}
