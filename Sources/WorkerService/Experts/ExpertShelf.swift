import Digest
import ExpertStore
import Messaging
import Synchronization
import Topology

/// What a worker hosts for trunks elsewhere, which changes while it runs: the loading thread puts a new list up, the experts' thread
/// looks when a trunk opens a set. Sets that are open keep what they were opened with.
final class ExpertShelf: Sendable {
    private let state: Mutex<HostedExperts>
    private let entry: WorkerExperts
    private let locator: ContentLocator

    init(_ hosted: HostedExperts, _ entry: WorkerExperts, _ locator: ContentLocator) {
        state = Mutex(hosted)
        self.entry = entry
        self.locator = locator
    }

    var hosted: HostedExperts { state.withLock { $0 } }

    /// What the router wants held: the topology's experts without the retired, the published, and those of lost workers. Everything is
    /// verified before anything changes.
    ///
    /// - Returns: why experts of lost workers are not held; of several the others are.
    func arrange(_ arrangement: ArrangeExperts) throws(ArrangementRefusal) -> [ArrangementRefusal] {
        guard arrangement.model == entry.model else {
            throw ArrangementRefusal(
                .unfitExpert, "this worker has experts of \(entry.model), not of \(arrangement.model)")
        }
        let published = Set(arrangement.published.map(\.expert))
        let retired = Set(arrangement.retired)
        let current = hosted
        var experts: [HostedExpert] = []
        for name in entry.names where !retired.contains(name) && !published.contains(name) {
            if let held = current.expert(name) {
                experts.append(held)
            } else {
                experts.append(try Self.read("\(entry.store)/\(name)", name))
            }
        }
        for wanted in arrangement.published where !wanted.standIn {
            experts.append(try placed(wanted, arrangement.trunkSHA256, current))
        }
        let refusals = standIn(for: arrangement, current, &experts)
        let next = HostedExperts(experts: experts.sorted { $0.name < $1.name })
        guard next.bytes <= UInt64(entry.megabytes) << 20 || next.bytes <= current.bytes else {
            throw ArrangementRefusal(
                .workerFull,
                "\(next.bytes >> 10) KiB of experts, and the topology gives this worker megabytes: \(entry.megabytes); choose another "
                    + "(--worker), retire one, or give it more")
        }
        state.withLock { $0 = next }
        locator.keeper?.keep(arrangement)
        return refusals
    }

    /// Lets go of what is held for lost workers: that was the word of a router that is gone.
    func releaseStandIns() {
        state.withLock { state in
            state = HostedExperts(experts: state.experts.filter { !$0.holding.standIn })
        }
    }

    /// Adds what can be had and held of the experts of lost workers.
    private func standIn(
        for arrangement: ArrangeExperts, _ current: HostedExperts, _ experts: inout [HostedExpert]
    ) -> [ArrangementRefusal] {
        var refusals: [ArrangementRefusal] = []
        for wanted in arrangement.published where wanted.standIn {
            do throws(ArrangementRefusal) {
                var expert = try placed(wanted, arrangement.trunkSHA256, current)
                expert.holding.standIn = true
                guard HostedExperts(experts: experts + [expert]).bytes <= UInt64(entry.megabytes) << 20 else {
                    throw ArrangementRefusal(
                        .workerFull, "\(wanted.expert) does not fit into megabytes: \(entry.megabytes)")
                }
                experts.append(expert)
            } catch { refusals.append(error) }
        }
        return refusals
    }

    private func placed(
        _ wanted: PlacedExpert, _ trunk: String, _ current: HostedExperts
    ) throws(ArrangementRefusal) -> HostedExpert {
        if var held = current.expert(wanted.expert), held.holding.sha256 == wanted.sha256 {
            held.holding.standIn = false
            return held
        }
        let expert = try Self.read(try locator.folder(of: wanted), wanted.expert)
        guard trunk.isEmpty || expert.holding.trunkSHA256 == trunk else {
            throw ArrangementRefusal(
                .unfitExpert,
                "\(wanted.expert) was made for a trunk with SHA-256 \(expert.holding.trunkSHA256.prefix(12))…, this one has "
                    + "\(trunk.prefix(12))…; publish an expert of this trunk")
        }
        return expert
    }

    private static func read(_ folder: String, _ name: String) throws(ArrangementRefusal) -> HostedExpert {
        let expert: HostedExpert
        do { expert = try HostedExpert(try StoredExpert(folder: folder)) } catch {
            throw ArrangementRefusal(.unfitExpert, "\(error)")
        }
        guard expert.name == name else {
            throw ArrangementRefusal(.unfitExpert, "\(folder) holds \(expert.name), not \(name)")
        }
        return expert
    }
}

/// Why a worker or a trunk does not do what the router arranges; nothing has changed.
struct ArrangementRefusal: Error, Sendable, CustomStringConvertible {
    let kind: FailureKind
    let message: String

    init(_ kind: FailureKind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    var description: String { message }
}
