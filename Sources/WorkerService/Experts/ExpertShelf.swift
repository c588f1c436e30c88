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

    init(_ hosted: HostedExperts, _ entry: WorkerExperts) {
        state = Mutex(hosted)
        self.entry = entry
    }

    var hosted: HostedExperts { state.withLock { $0 } }

    /// What the router wants held: the topology's experts without the retired, and the published. Everything is verified before
    /// anything changes.
    func arrange(_ arrangement: ArrangeExperts) throws(ArrangementRefusal) {
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
        for wanted in arrangement.published {
            experts.append(try Self.published(wanted, arrangement.trunkSHA256, current))
        }
        let next = HostedExperts(experts: experts.sorted { $0.name < $1.name })
        guard next.bytes <= UInt64(entry.megabytes) << 20 || next.bytes <= current.bytes else {
            throw ArrangementRefusal(
                .workerFull,
                "\(next.bytes >> 10) KiB of experts, and the topology gives this worker megabytes: \(entry.megabytes); choose another "
                    + "(--worker), retire one, or give it more")
        }
        state.withLock { $0 = next }
    }

    private static func published(
        _ wanted: PlacedExpert, _ trunk: String, _ current: HostedExperts
    ) throws(ArrangementRefusal) -> HostedExpert {
        if let held = current.expert(wanted.expert), held.holding.sha256 == wanted.sha256 { return held }
        let expert = try read(wanted.folder, wanted.expert)
        guard expert.holding.sha256 == wanted.sha256 else {
            throw ArrangementRefusal(
                .unfitExpert,
                "\(wanted.folder) has content \(expert.holding.sha256.prefix(12))…, not \(wanted.sha256.prefix(12))… as was published"
            )
        }
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
