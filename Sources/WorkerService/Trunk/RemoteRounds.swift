import Logging
import Messaging
import Threading

/// Rounds of a trunk with those who hold experts, of whatever kind: begin sends, collect waits.
///
/// One dispatch per worker and request, all rows of the batch in it. What a worker does not answer in time goes to another that
/// holds the same; with no other the trunk waits as long as the router counts the worker among the living, within bounds.
/// Late answers are dropped by their id.
final class RemoteRounds {
    /// No wait is longer without a look at the membership.
    static let sliceMilliseconds = 10
    /// The most that a dispatch is waited for where nobody else can be asked.
    static let patienceMicroseconds: UInt64 = 3_000_000
    /// How long a worker that has just come may take to open the set.
    static let openingMicroseconds: UInt64 = 500_000
    /// How long others may take, after a worker was lost, to read its experts from the store.
    static let reloadMicroseconds: UInt64 = 3_000_000

    private let roster: LinkRoster
    private let log: Logger
    /// Whether rows wait while a lost worker's experts are read elsewhere, rather than do without.
    private let waitsForReloads: Bool
    /// When somebody first did not do what it was asked in this round.
    private var excludedAtMicroseconds: UInt64?
    private var pending: [PendingDispatch] = []
    /// Pairs that nobody can be asked for.
    private var missing: [Int] = []
    private var lastDispatch: UInt64 = 0
    private var request: RowRequest?
    /// Where answers go, once there is room for them.
    private var results: (any RowSink)?
    /// Answers that came before that.
    private var early: [(combine: Combine, tensors: [Tensor], link: ExpertLink)] = []
    /// Rounds made, and what they took: what a benchmark reads.
    private(set) var latencies = LatencyTally()
    private(set) var delays = DelayTally()

    init(roster: LinkRoster, waitsForReloads: Bool = false, log: Logger) {
        self.roster = roster
        self.waitsForReloads = waitsForReloads
        self.log = log
    }

    /// Between two steps, and while there is nothing to do: hears of workers that come and go, and opens its sets on them.
    func service() {
        roster.refresh()
        roster.receive(take)
    }

    /// - Parameter pairs: indices into the request's pairs: those that are to be asked for.
    func begin(_ request: RowRequest, pairs: [Int]) {
        self.request = request
        pending.removeAll(keepingCapacity: true)
        missing.removeAll(keepingCapacity: true)
        early.removeAll(keepingCapacity: true)
        excludedAtMicroseconds = nil
        guard !pairs.isEmpty else { return }
        delays.begin()
        roster.refresh()
        dispatch(pairs, of: request, excluding: [])
    }

    /// Waits for the answers to the last `begin`. Returns the pairs that nobody has given rows for.
    func collect(into results: any RowSink) -> [Int] {
        guard let request else { preconditionFailure("collect without begin") }
        self.results = results
        defer { self.results = nil }
        for answer in early { take(answer.combine, answer.tensors, from: answer.link) }
        wait(for: request)
        return missing.sorted()
    }
}

// Sending.
extension RemoteRounds {
    /// Shares `pairs` out among those who hold their experts, and sends each its part.
    private func dispatch(_ pairs: [Int], of request: RowRequest, excluding: Set<String>) {
        var shares: [(link: ExpertLink, pairs: [Int], rows: Int)] = []
        for index in pairs {
            let pair = request.pairs[index]
            guard let link = link(for: pair.expert, in: request.set, excluding, shares.map { ($0.link, $0.rows) })
            else {
                missing.append(index)
                continue
            }
            if let share = shares.firstIndex(where: { $0.link === link }) {
                shares[share].pairs.append(index)
                shares[share].rows += pair.count
            } else {
                shares.append((link, [index], pair.count))
            }
        }
        for share in shares { send(share.pairs, to: share.link, request, excluding) }
    }

    /// Whom to ask. Somebody who has just come and is about to open the set is waited for, as long as an opening takes.
    private func link(
        for expert: Int, in set: any DistributedSet, _ excluding: Set<String>, _ loads: [(link: ExpertLink, rows: Int)]
    ) -> ExpertLink? {
        if let link = roster.link(for: expert, in: set, excluding, loads: loads) { return link }
        if !excluding.isEmpty, excludedAtMicroseconds == nil { excludedAtMicroseconds = MonotonicClock.nowMicroseconds }
        let until = MonotonicClock.nowMicroseconds + Self.openingMicroseconds
        while (roster.isSettling(set.experts[expert], excluding) && MonotonicClock.nowMicroseconds < until)
            || awaitsReload
        {
            delays.note()
            roster.wait(milliseconds: 1)
            roster.refresh()
            roster.receive(take)
            if let link = roster.link(for: expert, in: set, excluding, loads: loads) { return link }
        }
        return nil
    }

    /// Somebody was lost, and there are others who may be reading what it held. A connection breaks before the router says so.
    private var awaitsReload: Bool {
        guard waitsForReloads, !roster.isEmpty,
            let lost = [roster.lostAtMicroseconds, excludedAtMicroseconds].compactMap(\.self).max()
        else { return false }
        return MonotonicClock.nowMicroseconds < lost + Self.reloadMicroseconds
    }

    private func send(_ pairs: [Int], to link: ExpertLink, _ request: RowRequest, _ excluded: Set<String>) {
        lastDispatch += 1
        let envelope = DispatchMessage.make(
            lastDispatch, pairs: pairs, of: request, set: roster.number(of: request.set))
        guard link.send(envelope) else {
            // No connection, or a full one: the next in line.
            return dispatch(pairs, of: request, excluding: excluded.union([link.holder.worker]))
        }
        let now = MonotonicClock.nowMicroseconds
        let items = pairs.reduce(0) { $0 + request.pairs[$1].count }
        pending.append(
            PendingDispatch(
                id: lastDispatch, link: link, pairs: pairs, sent: now,
                timeout: now + link.timeoutMicroseconds(items: items), excluded: excluded.union([link.holder.worker])))
    }
}

// Waiting.
extension RemoteRounds {
    private func wait(for request: RowRequest) {
        while !pending.isEmpty {
            roster.receive(take)
            if pending.isEmpty { return }
            // Without spinning first: with workers on the same two cores 15 and 50 us of it made no difference, and before, when libzmq's
            // threads brought the answers, 20 us cost a sixth.
            roster.wait(milliseconds: Self.sliceMilliseconds)
            roster.refresh()
            reconsider(request)
        }
    }

    /// Asks others for what has timed out, or was with a worker that is gone.
    private func reconsider(_ request: RowRequest) {
        let now = MonotonicClock.nowMicroseconds
        for dispatch in pending {
            let isGone = !roster.contains(dispatch.link)
            guard isGone || now >= dispatch.timeout else { continue }
            let hasReplica = dispatch.pairs.allSatisfy {
                roster.link(for: request.pairs[$0].expert, in: request.set, dispatch.excluded, loads: []) != nil
            }
            guard isGone || hasReplica || now >= dispatch.sent + Self.patienceMicroseconds else { continue }
            pending.removeAll { $0.id == dispatch.id }
            if !isGone { dispatch.link.isSlow = true }
            log.warning(
                "expert worker \(dispatch.link.holder.worker) \(isGone ? "is gone" : "did not answer in time"): \(dispatch.pairs.count) pairs go elsewhere"
            )
            self.dispatch(dispatch.pairs, of: request, excluding: dispatch.excluded)
        }
    }

    private func take(_ envelope: Envelope, from link: ExpertLink) {
        switch envelope.message {
        case .setOpened(let answer):
            if !link.take(answer) { log.warning("\(link.holder.worker) answered an opening that is not ours") }
        case .combine(let combine): take(combine, envelope.tensors, from: link)
        case .dispatchFailed(let failure): take(failure, from: link)
        default: log.warning("\(link.holder.worker) sent a message that is no answer")
        }
    }

    private func take(_ combine: Combine, _ tensors: [Tensor], from link: ExpertLink) {
        // Late: somebody else has answered, or nobody waits any more.
        guard let request, let index = pending.firstIndex(where: { $0.id == combine.dispatch && $0.link === link })
        else { return }
        guard let results else { return early.append((combine, tensors, link)) }
        let dispatch = pending.remove(at: index)
        let microseconds = MonotonicClock.nowMicroseconds - dispatch.sent
        link.note(answeredAfter: microseconds)
        latencies.add(microseconds)
        do throws(WireError) {
            try CombineReading.copy(tensors, of: dispatch.pairs, request, into: results)
        } catch {
            refused(dispatch, "answered with \(error)", request)
        }
    }

    private func take(_ failure: DispatchFailed, from link: ExpertLink) {
        if failure.dispatch == 0 {
            let isAskedAnew = link.refused(failure.set)
            return log.log(
                level: isAskedAnew ? .info : .error,
                "\(link.holder.worker) does not open the set: \(failure.kind): \(failure.message)\(isAskedAnew ? "; the router has said more since, it is asked anew" : "")"
            )
        }
        guard let request, let index = pending.firstIndex(where: { $0.id == failure.dispatch && $0.link === link })
        else { return }
        let dispatch = pending.remove(at: index)
        if failure.kind == .unknownSet, !dispatch.isSecond {
            return sendAgain(dispatch, request)
        }
        refused(dispatch, "refused: \(failure.kind): \(failure.message)", request)
    }

    /// The connection is a new one, of which the worker knows nothing yet: it reads the opening first.
    private func sendAgain(_ dispatch: PendingDispatch, _ request: RowRequest) {
        dispatch.link.reopen()
        send(dispatch.pairs, to: dispatch.link, request, dispatch.excluded)
        if let last = pending.indices.last, pending[last].link === dispatch.link { pending[last].isSecond = true }
    }

    private func refused(_ dispatch: PendingDispatch, _ what: String, _ request: RowRequest) {
        log.error("expert worker \(dispatch.link.holder.worker) \(what)")
        self.dispatch(dispatch.pairs, of: request, excluding: dispatch.excluded)
    }
}

/// A dispatch that is out.
struct PendingDispatch {
    let id: UInt64
    let link: ExpertLink
    /// Indices into the request's pairs, in the order of the selections.
    let pairs: [Int]
    let sent: UInt64
    let timeout: UInt64
    /// Workers that these pairs are not asked of again.
    let excluded: Set<String>
    var isSecond = false
}

/// How many, and how long altogether.
struct LatencyTally {
    private(set) var count: UInt64 = 0
    private(set) var microseconds: UInt64 = 0

    mutating func add(_ value: UInt64) {
        count += 1
        microseconds += value
    }
}

/// How many rounds there were, and how many could not send at once because an expert was open to them nowhere.
struct DelayTally {
    private(set) var rounds: UInt64 = 0
    private(set) var delayed: UInt64 = 0
    private var isNoted = false

    mutating func begin() {
        rounds += 1
        isNoted = false
    }

    mutating func note() {
        if !isNoted { delayed += 1 }
        isNoted = true
    }
}
