import Inference
import Messaging
import Threading

/// The trunk's end of the wire to one expert worker. Lives on the compute thread, like the socket.
final class ExpertLink {
    private(set) var holder: ExpertHolder
    let socket: any MessageSocket
    private var openings = SetOpenings()
    private let terms: OpeningTerms
    /// By name: the hash.
    private var hashes: [String: String]
    private var latencies = LatencyWindow()
    /// It let a dispatch time out and has not answered anything since.
    var isSlow = false

    init(
        _ holder: ExpertHolder, _ terms: OpeningTerms, _ security: ConnectorSecurity, context: ZeroMQContext
    ) throws {
        self.holder = holder
        self.terms = terms
        hashes = Dictionary(holder.experts.map { ($0.expert, $0.sha256) }, uniquingKeysWith: { first, _ in first })
        socket = try Self.connect(to: Endpoint(holder.data.address), security, context)
    }

    /// Over ipc this thread reads and writes itself; over TCP libzmq does, encrypted.
    private static func connect(
        to endpoint: Endpoint, _ security: ConnectorSecurity, _ context: ZeroMQContext
    ) throws(SocketError) -> any MessageSocket {
        if case .ipc(let path) = endpoint { return try InlineDealer(connectingTo: path, options: ExpertDoor.options) }
        let socket = try Socket(context, .dealer, options: ExpertDoor.options)
        try socket.connect(endpoint, security: security)
        return socket
    }

    /// Whether it holds an expert because the worker that should is lost.
    func standsIn(for expert: String) -> Bool { holder.experts.contains { $0.expert == expert && $0.standIn } }

    func holds(_ expert: String, sha256: String) -> Bool { hashes[expert] == sha256 }

    /// Whether it says that it holds an expert of this name with other content.
    func differs(_ expert: String, sha256: String) -> Bool { hashes[expert].map { $0 != sha256 } ?? false }

    /// Whether an answer to an opening is still to come.
    var isSettling: Bool { openings.isSettling }

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
    func serves(_ expert: Int, of number: UInt64) -> Bool { openings.serves(expert, of: number) }

    /// What it holds of a set is to be open.
    ///
    /// - Parameter isDoneElsewhere: whether others serve all of these ids, which it holds no more.
    func hear(of set: any DistributedSet, _ number: UInt64, isDoneElsewhere: ([UInt32]) -> Bool) {
        let held = set.experts.enumerated().filter { holds($1.name, sha256: $1.hash) }.map {
            SetExpert(id: UInt32($0.offset), expert: $0.element.name, sha256: $0.element.hash)
        }
        openings.hear(held, of: number, isDoneElsewhere: isDoneElsewhere)
    }

    /// Sends what questions are due; without a connection they stay so.
    func sendOpenings() {
        let now = MonotonicClock.nowMicroseconds
        for due in openings.due(nowMicroseconds: now) {
            let question = terms.question(due.set, due.experts, to: holder)
            guard send(Envelope(.openSet(question))) else { return }
            openings.asked(question, nowMicroseconds: now)
        }
    }

    /// Whether the answer is the one to our question, from the worker whom we asked.
    func take(_ answer: SetOpened) -> Bool { openings.take(answer) }

    /// Returns whether it is asked anew: what it holds has changed meanwhile.
    func refused(_ set: UInt64) -> Bool {
        defer { sendOpenings() }
        return openings.refused(set)
    }

    /// The connection is a new one: everything is opened again.
    func reopen() {
        openings.forgetAnswers()
        sendOpenings()
    }

    func keep(_ sets: [UInt64]) { openings.keep(sets) }

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

/// What a trunk says of itself where it asks for a set to be opened.
struct OpeningTerms: Sendable {
    let trunkSHA256: String
    let numerics: String
    let groups: [SiteGroupShape]

    func question(_ set: UInt64, _ experts: [SetExpert], to holder: ExpertHolder) -> OpenSet {
        OpenSet(
            set: set, nonce: (0..<OpenSet.nonceBytes).map { _ in UInt8.random(in: 0...255) }, worker: holder.worker,
            incarnation: holder.incarnation, trunkSHA256: trunkSHA256, numerics: numerics, experts: experts,
            groups: groups)
    }
}
