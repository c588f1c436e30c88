import Digest
import Inference
import Kernels
import Logging
import Messaging
import Threading

/// Rows s · B (A u) from the workers that hold the experts; those beside the trunk it computes itself meanwhile.
///
/// One dispatch per worker and site group, all rows of the batch in it. What a worker does not answer in time goes to another that
/// holds the same; with no other the trunk waits as long as the router counts the worker among the living, within bounds.
/// Late answers are dropped by their id. Workers and the trunk compute a row in one order of accumulation, so where it comes
/// from does not show (P1).
final class RemoteExpertRows: ExpertRowSource {
    /// No wait is longer without a look at the membership.
    static let sliceMilliseconds = 10
    /// The most that a dispatch is waited for where nobody else can be asked.
    static let patienceMicroseconds: UInt64 = 3_000_000
    /// How long a worker that has just come may take to open the set.
    static let openingMicroseconds: UInt64 = 500_000
    /// How long others may take, after a worker was lost, to read its experts from the store.
    static let reloadMicroseconds: UInt64 = 3_000_000

    private let roster: LinkRoster
    private let local: LocalExpertRows
    private let cache: ExpertCache?
    private let log: Logger
    /// Whether rows wait while a lost worker's experts are read elsewhere, rather than do without.
    private let waitsForReloads: Bool
    /// When somebody first did not do what it was asked at this group.
    private var excludedAtMicroseconds: UInt64?
    private var input: Columns?
    /// By expert id, as of this step.
    private var cached: [CachedExpert?] = []
    private var elsewhere: [Int] = []
    private var pending: [PendingDispatch] = []
    /// Pairs that nobody can be asked for, and why.
    private var missing: [MissingPair] = []
    private var lastDispatch: UInt64 = 0
    private var routing: GroupRouting?
    /// Where answers go, once the bank has made room for them.
    private var results: ExpertRows?
    /// Answers that came before that.
    private var early: [(combine: Combine, tensors: [Tensor], link: ExpertLink)] = []
    /// Rounds made, and what they took: what a benchmark reads.
    private(set) var rounds = LatencyTally()

    /// - Parameter cache: beside the trunk, for experts that are hot.
    init(roster: LinkRoster, cache: ExpertCache?, waitsForReloads: Bool, team: ComputeTeam, log: Logger) {
        self.waitsForReloads = waitsForReloads
        self.roster = roster
        self.cache = cache
        local = LocalExpertRows(team: team)
        self.log = log
    }

    func worksElsewhere(for set: ExpertSet) -> Bool { !(cache?.holdsAll(of: set) ?? false) }

    /// Between two steps, and while there is nothing to do: hears of workers that come and go, opens its sets on them, and lets hot
    /// experts come to the trunk.
    func service() {
        roster.refresh()
        roster.receive(take)
        guard let cache else { return }
        for change in cache.swap() { report(change, cache) }
    }

    private func report(_ change: CacheChange, _ cache: ExpertCache) {
        switch change {
        case .cached(let expert):
            log.info(
                "expert \(expert.name) is hot and comes beside the trunk: \(cache.bytesHeld >> 10) of \(cache.bytesMax >> 10) KiB are used"
            )
        case .evicted(let expert): log.info("expert \(expert.name) leaves the trunk; workers compute it")
        case .refused(let name, let error): log.error("expert \(name) cannot come beside the trunk: \(error)")
        }
    }

    func begin(_ routing: GroupRouting, input: Columns) {
        self.input = input
        self.routing = routing
        pending.removeAll(keepingCapacity: true)
        missing.removeAll(keepingCapacity: true)
        early.removeAll(keepingCapacity: true)
        excludedAtMicroseconds = nil
        cached = cache?.residents(of: routing.set) ?? []
        cache?.note(routing)
        elsewhere.removeAll(keepingCapacity: true)
        for index in routing.pairs.indices where !isHere(index, routing) { elsewhere.append(index) }
        guard !elsewhere.isEmpty else { return }
        roster.refresh()
        dispatch(elsewhere, of: routing, input, excluding: [])
    }

    func collect(_ routing: GroupRouting, into results: ExpertRows) -> [MissingPair] {
        guard let input else { preconditionFailure("collect without begin") }
        self.results = results
        defer { self.results = nil }
        missing += local.compute(routing, input: input, into: results, cached: cached) { isHere($0, routing) }
        for answer in early { take(answer.combine, answer.tensors, from: answer.link) }
        wait(for: routing, input)
        return missing.sorted { $0.pair < $1.pair }
    }

    private func isHere(_ index: Int, _ routing: GroupRouting) -> Bool {
        routing.packed(routing.pairs[index], cached) != nil
    }
}

// Sending.
extension RemoteExpertRows {
    /// Shares `pairs` out among those who hold their experts, and sends each its part.
    private func dispatch(_ pairs: [Int], of routing: GroupRouting, _ input: Columns, excluding: Set<String>) {
        var shares: [(link: ExpertLink, pairs: [Int], rows: Int)] = []
        for index in pairs {
            let pair = routing.pairs[index]
            guard let link = link(for: pair.expert, in: routing.set, excluding, shares.map { ($0.link, $0.rows) })
            else {
                missing.append(absent(index, routing))
                continue
            }
            if let share = shares.firstIndex(where: { $0.link === link }) {
                shares[share].pairs.append(index)
                shares[share].rows += pair.count
            } else {
                shares.append((link, [index], pair.count))
            }
        }
        for share in shares { send(share.pairs, to: share.link, routing, input, excluding) }
    }

    /// Whom to ask. Somebody who has just come and is about to open the set is waited for, as long as an opening takes.
    private func link(
        for expert: Int, in set: ExpertSet, _ excluding: Set<String>, _ loads: [(link: ExpertLink, rows: Int)]
    ) -> ExpertLink? {
        if let link = roster.link(for: expert, in: set, excluding, loads: loads) { return link }
        if !excluding.isEmpty, excludedAtMicroseconds == nil { excludedAtMicroseconds = MonotonicClock.nowMicroseconds }
        let until = MonotonicClock.nowMicroseconds + Self.openingMicroseconds
        while (roster.isSettling(set.experts[expert], excluding) && MonotonicClock.nowMicroseconds < until)
            || awaitsReload
        {
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

    private func send(
        _ pairs: [Int], to link: ExpertLink, _ routing: GroupRouting, _ input: Columns, _ excluded: Set<String>
    ) {
        lastDispatch += 1
        let envelope = DispatchMessage.make(
            lastDispatch, pairs: pairs, of: routing, set: roster.number(of: routing.set), input: input)
        guard link.send(envelope) else {
            // No connection, or a full one: the next in line.
            return dispatch(pairs, of: routing, input, excluding: excluded.union([link.holder.worker]))
        }
        let now = MonotonicClock.nowMicroseconds
        let items = pairs.reduce(0) { $0 + routing.pairs[$1].count }
        pending.append(
            PendingDispatch(
                id: lastDispatch, link: link, pairs: pairs, sent: now,
                timeout: now + link.timeoutMicroseconds(items: items), excluded: excluded.union([link.holder.worker])))
    }

    private func absent(_ index: Int, _ routing: GroupRouting) -> MissingPair {
        let pair = routing.pairs[index]
        return MissingPair(
            pair: index,
            message: "no worker has expert \(routing.set.experts[pair.expert].name), chosen at "
                + "\(routing.group.linears[pair.linear].site); see skein status")
    }
}

// Waiting.
extension RemoteExpertRows {
    private func wait(for routing: GroupRouting, _ input: Columns) {
        while !pending.isEmpty {
            roster.receive(take)
            if pending.isEmpty { return }
            // Without spinning first: on few cores that holds up the threads which bring the answer (two cores, two workers, exact: 0 us
            // took 57 ms for a token, 20 us 67, 200 us 100).
            roster.wait(milliseconds: Self.sliceMilliseconds)
            roster.refresh()
            reconsider(routing, input)
        }
    }

    /// Asks others for what has timed out, or was with a worker that is gone.
    private func reconsider(_ routing: GroupRouting, _ input: Columns) {
        let now = MonotonicClock.nowMicroseconds
        for dispatch in pending {
            let isGone = !roster.contains(dispatch.link)
            guard isGone || now >= dispatch.timeout else { continue }
            let hasReplica = dispatch.pairs.allSatisfy {
                roster.link(for: routing.pairs[$0].expert, in: routing.set, dispatch.excluded, loads: []) != nil
            }
            guard isGone || hasReplica || now >= dispatch.sent + Self.patienceMicroseconds else { continue }
            pending.removeAll { $0.id == dispatch.id }
            if !isGone { dispatch.link.isSlow = true }
            log.warning(
                "expert worker \(dispatch.link.holder.worker) \(isGone ? "is gone" : "did not answer in time"): \(dispatch.pairs.count) pairs go elsewhere"
            )
            self.dispatch(dispatch.pairs, of: routing, input, excluding: dispatch.excluded)
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
        guard let routing,
            let index = pending.firstIndex(where: { $0.id == combine.dispatch && $0.link === link })
        else { return }
        guard let results else { return early.append((combine, tensors, link)) }
        let dispatch = pending.remove(at: index)
        let microseconds = MonotonicClock.nowMicroseconds - dispatch.sent
        link.note(answeredAfter: microseconds)
        rounds.add(microseconds)
        do throws(WireError) {
            try CombineReading.copy(tensors, of: dispatch.pairs, routing, into: results)
        } catch {
            refused(dispatch, "answered with \(error)", routing)
        }
    }

    private func take(_ failure: DispatchFailed, from link: ExpertLink) {
        if failure.dispatch == 0 {
            link.close(failure.set)
            return log.error("\(link.holder.worker) does not open the set: \(failure.kind): \(failure.message)")
        }
        guard let routing, let index = pending.firstIndex(where: { $0.id == failure.dispatch && $0.link === link })
        else {
            return
        }
        let dispatch = pending.remove(at: index)
        if failure.kind == .unknownSet, !dispatch.isSecond {
            return sendAgain(dispatch, routing)
        }
        refused(dispatch, "refused: \(failure.kind): \(failure.message)", routing)
    }

    /// The connection is a new one, of which the worker knows nothing yet: it reads the opening first.
    private func sendAgain(_ dispatch: PendingDispatch, _ routing: GroupRouting) {
        guard let input else { return }
        roster.reopen(dispatch.link)
        send(dispatch.pairs, to: dispatch.link, routing, input, dispatch.excluded)
        if let last = pending.indices.last, pending[last].link === dispatch.link { pending[last].isSecond = true }
    }

    private func refused(_ dispatch: PendingDispatch, _ what: String, _ routing: GroupRouting) {
        log.error("expert worker \(dispatch.link.holder.worker) \(what)")
        guard let input else { return }
        self.dispatch(dispatch.pairs, of: routing, input, excluding: dispatch.excluded)
    }
}

/// A dispatch that is out.
struct PendingDispatch {
    let id: UInt64
    let link: ExpertLink
    /// Indices into the routing's pairs, in the order of the selections.
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
