import Glibc
import Synchronization
import Threading

/// The ZAP handler (ZeroMQ RFC 27): decides who may connect, on a thread of its own.
///
/// Start it before any socket of the context binds, and stop it after they are closed.
package final class Authenticator: Sendable {
    private let policy: PolicyBox
    private let wake: Wake
    private let thread: NamedThread

    /// `insecure` admits anyone to every domain without a key, over TCP too: the topology must say so.
    package init(_ context: ZeroMQContext, keys: KeyRing, insecure: Bool = false) throws {
        let socket = try Socket(context, .router)
        try socket.bind(.inproc(name: "zeromq.zap.01"))
        let stop = try Wake()
        let policy = PolicyBox(AdmissionPolicy(keys: keys, insecure: insecure, uid: geteuid()))
        let handler = Handover(ZapHandler(socket: socket, policy: policy, stop: stop))
        self.wake = stop
        self.policy = policy
        thread = try NamedThread(name: "zap", stackBytes: 1 << 20) { handler.take().run() }
    }

    /// Counts for connections made from now on; those that are there stay.
    package func replaceKeys(_ keys: KeyRing) { policy.value.withLock { $0.keys = keys } }

    /// How many connections were refused since the start.
    package var refusals: Int { policy.refusals.load(ordering: .relaxed) }

    /// Ends the handler: from now on everyone is refused. Before the context's end this must have been called, or the
    /// authenticator released.
    package func stop() {
        wake.signal()
        thread.join()
    }

    deinit { stop() }
}

final class PolicyBox: Sendable {
    let value: Mutex<AdmissionPolicy>
    let refusals = Atomic<Int>(0)

    init(_ policy: AdmissionPolicy) { value = Mutex(policy) }
}

private struct ZapHandler {
    let socket: Socket
    let policy: PolicyBox
    let stop: Wake

    func run() {
        var poller = Poller([socket], wake: stop)
        while (try? poller.wait(milliseconds: -1)) != nil {
            if poller.woke { return }
            while case .message(let message)? = try? socket.receive() { answer(message) }
        }
    }

    /// Frames: an empty delimiter, "1.0", request id, domain, address, routing id, mechanism, credentials.
    /// Reply: delimiter, "1.0", request id, status, reason, user id, metadata.
    private func answer(_ message: Received) {
        guard message.frames.count >= 3 else { return }
        let admission =
            AdmissionRequest(message.frames)
            .map { request in policy.value.withLock { $0.decide(request) } } ?? .refused("malformed request")
        let result: (status: String, reason: String, userID: String)
        switch admission {
        case .admitted(let identity): result = ("200", "OK", identity.userID)
        case .refused(let reason):
            policy.refusals.add(1, ordering: .relaxed)
            result = ("400", reason, "")
        }
        let reply =
            [[], message.frames[1], message.frames[2]]
            + [result.status, result.reason, result.userID, ""].map { Array($0.utf8) }
        _ = try? socket.send(reply, to: message.routingID)
    }
}
