import Inference
import Logging
import Messaging
import Threading

/// What the router wants held and routed to: one arrangement in hand, the others wait.
struct Arrangements {
    /// The router has one change at a time; besides that only what it says at a registration.
    private static let waitingMax = 16

    private var waiting: [ArrangeExperts] = []
    private(set) var inHand: ArrangeExperts?
    /// The one in hand is the word of a router that is gone.
    private(set) var isOutdated = false
    /// The thread of the one in hand.
    var thread: NamedThread?

    /// Something that the manifest says is not done yet.
    var holdBack: Bool { inHand?.request == 0 || waiting.contains { $0.request == 0 } }

    mutating func add(_ arrangement: ArrangeExperts) {
        // The newest word of the manifest counts.
        waiting.removeAll { $0.request == 0 && arrangement.request == 0 && $0.trunk == arrangement.trunk }
        if waiting.count < Self.waitingMax { waiting.append(arrangement) }
    }

    mutating func begin() -> ArrangeExperts? {
        guard inHand == nil, !waiting.isEmpty else { return nil }
        inHand = waiting.removeFirst()
        return inHand
    }

    /// The connection is gone: whoever answers next begins anew.
    mutating func forget() {
        waiting = []
        isOutdated = inHand != nil
    }

    mutating func end() {
        inHand = nil
        isOutdated = false
        thread = nil
    }
}

extension WorkerShell {
    /// Reads and verifies on a thread of its own: that takes longer than the control conversation may pause.
    func arrangeNext() {
        guard let hosting, let arrangement = arrangements.begin() else { return }
        let post = post, log = log
        do throws(ThreadingError) {
            arrangements.thread = try NamedThread(name: "arranging") {
                let result = Result { () throws(ArrangementRefusal) in try hosting.arrange(arrangement, log) }
                post(.arranged(arrangement, result))
            }
        } catch {
            finish(ExpertsArranged(request: arrangement.request, kind: .internal, message: error.description))
        }
    }

    func arranged(_ arrangement: ArrangeExperts, _ result: Result<Arranged, ArrangementRefusal>) {
        if arrangements.isOutdated { hosting?.experts?.releaseStandIns() }
        switch result {
        case .failure(let refusal):
            finish(ExpertsArranged(request: arrangement.request, kind: refusal.kind, message: refusal.message))
        case .success(.sets(let sets)):
            order(.useExperts(sets, model: arrangement.model, request: arrangement.request), arrangement)
        case .success(.places(let shares)):
            order(.findExperts(shares, model: arrangement.model, request: arrangement.request), arrangement)
        case .success(.held):
            if arrangement.request != 0 { introduceAgain() }
            finish(ExpertsArranged(request: arrangement.request))
        }
    }

    private func order(_ command: ComputeCommand, _ arrangement: ArrangeExperts) {
        guard hosting?.compute.post(command) == true else {
            return finish(
                ExpertsArranged(request: arrangement.request, kind: .busy, message: "the trunk has no room for more"))
        }
    }

    func finish(_ arranged: ExpertsArranged) {
        let wasFirst = arrangements.inHand?.request == 0
        arrangements.end()
        if arranged.kind == nil {
            log.info("the experts are as the router wants them")
        } else {
            log.error("the experts stay as they are: \(arranged.message)")
        }
        report(.expertsArranged(arranged))
        if wasFirst { introduceAgain() }
        arrangeNext()
    }
}

/// What has become of an arrangement so far.
enum Arranged: Sendable {
    /// This worker holds what it is to hold.
    case held
    /// What a trunk is to route to from now on.
    case sets(TrunkSets)
    /// Where a trunk is to find the experts of its mixture.
    case places([PlacedShare])
}

extension Hosting {
    func arrange(_ arrangement: ArrangeExperts, _ log: Logger) throws(ArrangementRefusal) -> Arranged {
        if arrangement.trunk {
            if models.model(arrangement.model)?.mixture != nil { return .places(arrangement.shares) }
            guard let trunk = trunks[arrangement.model] else {
                throw ArrangementRefusal(.unfitExpert, "this worker does not serve the trunk of \(arrangement.model)")
            }
            return .sets(try trunk.sets(for: arrangement))
        }
        switch experts {
        case .pairs(let shelf):
            for refusal in try shelf.arrange(arrangement) {
                log.error("an expert of a lost worker is not held: \(refusal.message)")
            }
        case .share(let shelf):
            let shares = arrangement.shares.map(\.experts)
            try shelf.arrange(shares.first ?? [], finally: shares.last ?? [])
        case nil: throw ArrangementRefusal(.noWorker, "this worker holds no experts")
        }
        return .held
    }
}
