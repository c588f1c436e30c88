import Messaging

/// The trunk's end of the wire to one expert worker. Lives on the compute thread, like the socket.
package final class ExpertLink {
    private(set) var holder: ExpertHolder
    let socket: Socket
    /// Sets that the worker has opened, with the ids of the experts: it is who the router says, and has what it says. It keeps an open
    /// set's experts though it may hold them no more.
    private var opened: [UInt64: Set<Int>] = [:]
    /// Sets that it was asked to open, with the nonce that it has to return.
    private var asked: [UInt64: OpenSet] = [:]
    /// Questions that found no connection yet.
    private var unsent: [OpenSet] = []
    /// By name: the hash.
    private var hashes: [String: String]
    private var latencies = LatencyWindow()
    /// It let a dispatch time out and has not answered anything since.
    var isSlow = false

    package init(_ holder: ExpertHolder, _ security: ConnectorSecurity, context: ZeroMQContext) throws {
        self.holder = holder
        hashes = Dictionary(holder.experts.map { ($0.expert, $0.sha256) }, uniquingKeysWith: { first, _ in first })
        socket = try Socket(context, .dealer, options: ExpertDoor.options)
        try socket.connect(Endpoint(holder.data.address), security: security)
    }

    /// Whether it holds an expert because the worker that should is lost.
    func standsIn(for expert: String) -> Bool { holder.experts.contains { $0.expert == expert && $0.standIn } }

    func holds(_ expert: String, sha256: String) -> Bool { hashes[expert] == sha256 }

    /// Whether it says that it holds an expert of this name with other content.
    func differs(_ expert: String, sha256: String) -> Bool { hashes[expert].map { $0 != sha256 } ?? false }

    /// Whether an answer to an opening is still to come.
    package var isSettling: Bool { !unsent.isEmpty || !asked.isEmpty }

    /// The same start of the same worker, with other experts.
    func update(_ holder: ExpertHolder) {
        self.holder = holder
        hashes = Dictionary(holder.experts.map { ($0.expert, $0.sha256) }, uniquingKeysWith: { first, _ in first })
    }

    func isSameProcess(as holder: ExpertHolder) -> Bool {
        self.holder.worker == holder.worker && self.holder.incarnation == holder.incarnation
            && self.holder.data == holder.data
    }

    /// Whether a set is open here with an expert.
    package func serves(_ expert: Int, of set: UInt64) -> Bool { opened[set]?.contains(expert) ?? false }

    /// Whether these experts of a set are open here, or asked for.
    func knows(_ experts: [Int], of set: UInt64) -> Bool {
        let asked = (self.asked[set].map { [$0] } ?? []) + unsent.filter { $0.set == set }
        let known = asked.flatMap { $0.experts.map { Int($0.id) } }
        return experts.allSatisfy { serves($0, of: set) || known.contains($0) }
    }

    /// What was open stays so until the worker answers, as far as it is asked for again: the worker reads this before any dispatch that
    /// follows, and nobody waits for experts that are only joined by others.
    package func open(_ request: OpenSet) {
        opened[request.set]?.formIntersection(request.experts.map { Int($0.id) })
        unsent.removeAll { $0.set == request.set }
        unsent.append(request)
        sendOpenings()
    }

    func sendOpenings() {
        while let request = unsent.first, send(Envelope(.openSet(request))) {
            asked[request.set] = request
            unsent.removeFirst()
        }
    }

    /// Whether the answer is the one to our question, from the worker whom we asked.
    package func take(_ answer: SetOpened) -> Bool {
        guard let request = asked[answer.set], request.nonce == answer.nonce, answer.worker == holder.worker,
            answer.incarnation == holder.incarnation
        else { return false }
        asked[answer.set] = nil
        opened[answer.set] = Set(request.experts.map { Int($0.id) })
        return true
    }

    package func close(_ set: UInt64) {
        asked[set] = nil
        opened[set] = nil
    }

    /// False when nothing was taken: there is no connection, or it is full.
    func send(_ envelope: Envelope) -> Bool { (try? socket.send(envelope.frames())) == .sent }

    func note(answeredAfter microseconds: UInt64) {
        isSlow = false
        latencies.add(microseconds)
    }

    /// How long a dispatch of this many results may take before somebody else is asked.
    func timeoutMicroseconds(items: Int) -> UInt64 {
        max(50_000, 4 * latencies.p99) + UInt64(items) * 2000
    }
}

/// The last round trips, and their 99th percentile.
struct LatencyWindow {
    private static let capacity = 256

    private var values: [UInt64] = []
    private var next = 0
    private(set) var p99: UInt64

    /// - Parameter p99: assumed until there are measurements; the first dispatch touches every page for the first time.
    init(p99: UInt64 = 250_000) { self.p99 = p99 }

    mutating func add(_ value: UInt64) {
        if values.count < Self.capacity { values.append(value) } else { values[next] = value }
        next = (next + 1) % Self.capacity
        // Sorting at every answer would cost more than the answer.
        guard next % 64 == 0 else { return }
        p99 = values.sorted()[values.count * 99 / 100]
    }
}
