import Inference
import Logging
import Messaging
import Threading

/// The wires of one trunk, kept as the router's membership says, with the trunk's sets opened on each.
final class LinkRoster {
    private let board: HolderBoard
    private let context: ZeroMQContext
    private let keys: TrunkKeys
    private let terms: OpeningTerms
    private let log: Logger
    private var seen: UInt64 = 0
    private var lastNumber: UInt64 = 0
    private var sets: [(set: any DistributedSet, number: UInt64)] = []
    /// Sorted by worker.
    private var links: [ExpertLink] = []
    private var poller = Poller([])
    /// Since they were last taken.
    private var losses: [WorkerLoss] = []
    private static let lossesMax = 64
    /// When a worker was last lost.
    private(set) var lostAtMicroseconds: UInt64?

    init(_ wiring: TrunkWiring, _ terms: OpeningTerms) {
        board = wiring.board
        context = wiring.context
        keys = wiring.keys
        log = wiring.log
        self.terms = terms
    }

    var isEmpty: Bool { links.isEmpty }

    func contains(_ link: ExpertLink) -> Bool { links.contains { $0 === link } }

    /// Whether somebody has not said yet whether it opens a set.
    var isSettling: Bool { links.contains(where: \.isSettling) }

    /// Whether somebody who says that it holds an expert is about to open a set.
    func isSettling(_ member: ExpertSet.Member, _ excluded: Set<String>) -> Bool {
        links.contains {
            $0.isSettling && !excluded.contains($0.holder.worker) && $0.holds(member.name, sha256: member.hash)
        }
    }

    /// Experts of a set that are neither here nor with anybody who has opened it.
    func unreachable(of set: any DistributedSet) -> [String] {
        return set.experts.indices.compactMap { index in
            let expert = set.experts[index]
            return expert.isResident || link(for: index, in: set, [], loads: []) != nil ? nil : expert.name
        }
    }

    /// What of an expert's place in a set is not so yet.
    enum PlaceProblem {
        /// The worker has not opened the set with it, or is not there.
        case notYet
        /// The worker has other weights under its name.
        case differs
    }

    /// Nil where a worker can be asked for an expert of a set.
    func problem(with expert: Int, of set: any DistributedSet, on worker: String) -> PlaceProblem? {
        guard let link = links.first(where: { $0.holder.worker == worker }),
            let number = sets.first(where: { $0.set === set })?.number
        else { return .notYet }
        if link.differs(set.experts[expert].name, sha256: set.experts[expert].hash) { return .differs }
        return link.serves(expert, of: number) ? nil : .notYet
    }

    /// What the wire calls a set; opened everywhere when it is first seen.
    func number(of set: any DistributedSet) -> UInt64 {
        if let known = sets.first(where: { $0.set === set }) { return known.number }
        lastNumber += 1
        let number = lastNumber
        sets.append((set, number))
        // As many as a worker keeps open.
        if sets.count > ExpertDesk.setsMax { sets.removeFirst() }
        for link in links {
            hear(of: set, number, on: link)
            link.sendOpenings()
        }
        return number
    }

    /// The sets that nobody uses any more are forgotten.
    func keep(_ live: [any DistributedSet]) {
        sets.removeAll { entry in !live.contains { $0 === entry.set } }
        for link in links { link.keep(sets.map(\.number)) }
    }

    /// The link opens what its worker holds of a set; of what the worker has let go, what others do is closed.
    private func hear(of set: any DistributedSet, _ number: UInt64, on link: ExpertLink) {
        link.hear(of: set, number) { dropped in
            dropped.allSatisfy { expert in
                links.contains { $0 !== link && $0.serves(Int(expert), of: number) }
            }
        }
    }

    private func warnOfOthers(_ set: any DistributedSet, on link: ExpertLink) {
        guard let other = set.experts.first(where: { link.differs($0.name, sha256: $0.hash) }) else { return }
        log.error(
            "expert worker \(link.holder.worker) has another \(other.name) than this trunk's, which has content \(other.hash.prefix(12))…; it is not asked for what differs: use one file"
        )
    }
}

// Who is asked.
extension LinkRoster {
    /// Below this many rows one message to one worker is quicker than two to two.
    private static let rowsPerMessage = 16

    /// Of those that hold an expert: one that answers in time before a slow one, one that is asked already while it has
    /// little to do, then the one with least; by name where all is equal.
    func link(
        for expert: Int, in set: any DistributedSet, _ excluded: Set<String>, loads: [(link: ExpertLink, rows: Int)]
    ) -> ExpertLink? {
        guard let number = sets.first(where: { $0.set === set })?.number else { return nil }
        let able = links.filter {
            $0.serves(expert, of: number) && !excluded.contains($0.holder.worker)
        }
        if able.count < 2 { return able.first }
        func cost(_ link: ExpertLink) -> Int {
            let rows = loads.first { $0.link === link }?.rows
            return (link.isSlow ? 1 << 40 : 0) + (rows.map { $0 < Self.rowsPerMessage ? -1 : $0 } ?? 0)
        }
        return able.min { cost($0) < cost($1) }
    }
}

// Workers that come and go.
extension LinkRoster {
    /// Takes in what the router says, and sends what could not be sent before.
    func refresh() {
        if let membership = board.news(since: &seen) { follow(membership) }
        for link in links { link.sendOpenings() }
    }

    private func follow(_ membership: Membership) {
        let staying = links.filter { link in
            guard let holder = membership.holders.first(where: link.isSameProcess) else { return false }
            if link.holder != holder { update(link, holder) }
            return true
        }
        for link in links where !staying.contains(where: { $0 === link }) {
            log.info("expert worker \(link.holder.worker) is gone")
            noteLoss(of: link.holder)
        }
        let new = membership.holders.filter { holder in !staying.contains { $0.isSameProcess(as: holder) } }
        links = (staying + new.compactMap(connect)).sorted { $0.holder.worker < $1.holder.worker }
        // All of them, also where nothing is new: what was refused may be opened by now.
        for link in links { for (set, number) in sets { hear(of: set, number, on: link) } }
        poller = Poller(links.map(\.socket))
    }

    private func noteLoss(of holder: ExpertHolder) {
        lostAtMicroseconds = MonotonicClock.nowMicroseconds
        losses.removeFirst(max(0, losses.count + 1 - Self.lossesMax))
        losses.append(WorkerLoss(worker: holder.worker, experts: holder.experts.map(\.expert)))
    }

    /// Workers that are gone since the last call.
    func takeLosses() -> [WorkerLoss] {
        defer { losses.removeAll() }
        return losses
    }

    /// Who can be asked for an expert of a set, and whether in place of another.
    func holder(of expert: ExpertSet.Member) -> (worker: String, standsIn: Bool)? {
        let able = links.filter { $0.holds(expert.name, sha256: expert.hash) }
        guard let link = able.first(where: { !$0.standsIn(for: expert.name) }) ?? able.first else { return nil }
        return (link.holder.worker, link.standsIn(for: expert.name))
    }

    /// It has more experts than before, or fewer.
    private func update(_ link: ExpertLink, _ holder: ExpertHolder) {
        link.update(holder)
        for (set, _) in sets { warnOfOthers(set, on: link) }
        log.info("expert worker \(holder.worker) now has \(Self.names(of: holder))")
    }

    private func connect(_ holder: ExpertHolder) -> ExpertLink? {
        guard holder.experts.contains(where: { $0.trunkSHA256 == terms.trunkSHA256 }) else { return nil }
        do {
            let link = try ExpertLink(holder, terms, try keys.security(of: holder.data), context: context)
            for (set, _) in sets { warnOfOthers(set, on: link) }
            log.info(
                "expert worker \(holder.worker) is there, with \(Self.names(of: holder))")
            return link
        } catch {
            log.error("expert worker \(holder.worker) cannot be reached: \(error)")
            return nil
        }
    }

    /// Of a few all, of many how many.
    private static func names(of holder: ExpertHolder) -> String {
        holder.experts.count > 32
            ? "\(holder.experts.count) experts" : holder.experts.map(\.expert).joined(separator: ", ")
    }

    /// Everything that has come, without waiting.
    func receive(_ take: (Envelope, ExpertLink) -> Void) {
        for link in links {
            while let received = try? link.socket.receive(limits: ExpertDoor.limits) {
                guard case .message(let message) = received else { break }
                do throws(WireError) { take(try Envelope(frames: message.frames), link) } catch {
                    log.error("from expert worker \(link.holder.worker): \(error)")
                }
            }
        }
    }

    /// Sleeps until something comes.
    func wait(milliseconds: Int) {
        _ = try? poller.wait(milliseconds: milliseconds)
    }
}

/// Who the trunk says it is.
struct TrunkKeys: Sendable {
    /// The router's pair in the router's process, a worker's own elsewhere; nil where no link needs one.
    let own: CurveKeyPair?

    func security(of endpoint: DataEndpoint) throws -> ConnectorSecurity {
        guard !endpoint.publicKey.isEmpty else { return .none }
        guard let own, let server = CurveKey(z85: endpoint.publicKey) else {
            throw WorkerFault("its data endpoint \(endpoint.address) needs a key, and this trunk has none")
        }
        return .curve(own: own, server: server)
    }
}

/// A worker that is gone, with what it held.
struct WorkerLoss: Sendable, Equatable {
    let worker: String
    let experts: [String]
}
