import Digest
import ExpertStore
import Gating
import Inference
import Kernels
import Messaging
import Synchronization
import Topology
import Weights

/// The experts of a routed model as its trunk routes to them, which change while it runs: a loading thread makes the next set, the
/// compute thread takes it between two steps.
final class TrunkShelf: Sendable {
    private let entry: ExpertsEntry
    private let name: String
    private let model: LanguageModel
    private let sha256: SHA256Digest
    private let defaults: Gating.RouteOptions
    private let locator: ContentLocator
    /// Verified once, by content hash.
    private let members: Mutex<[TrunkExperts.Member]>

    init(_ entry: ExpertsEntry, _ hosted: HostedModel, _ experts: TrunkExperts, _ locator: ContentLocator) {
        self.locator = locator
        self.entry = entry
        name = hosted.name
        model = hosted.model
        sha256 = hosted.sha256
        defaults = experts.routes.defaults
        members = Mutex(experts.members)
    }

    /// The set that the router wants: gates of all, pairs of those pinned; and the one with a shadow, where there is one.
    func sets(for arrangement: ArrangeExperts) throws(ArrangementRefusal) -> TrunkSets {
        let members = try self.members(for: arrangement)
        let shadow = arrangement.published.first(where: \.shadow)?.expert
        let set = try packed(members.filter { $0.stored.name != shadow })
        try checkRoutes(set)
        let candidate = try shadow.map { name throws(ArrangementRefusal) in
            TrunkSets.Candidate(set: try packed(members), expert: name)
        }
        self.members.withLock { $0 = members }
        locator.keeper?.keep(arrangement)
        return TrunkSets(set: set, candidate: candidate)
    }

    private func packed(_ members: [TrunkExperts.Member]) throws(ArrangementRefusal) -> ExpertSet {
        // A team of its own: packing must not hold up a step.
        do throws(WorkerFault) { return try TrunkExperts.set(members, entry, model, ComputeTeam(threads: 1)) } catch {
            throw ArrangementRefusal(.unfitExpert, error.description)
        }
    }

    private func members(for arrangement: ArrangeExperts) throws(ArrangementRefusal) -> [TrunkExperts.Member] {
        let known = members.withLock { $0 }
        let published = Set(arrangement.published.map(\.expert))
        let retired = Set(arrangement.retired)
        var wanted: [TrunkExperts.Member] = []
        for expert in entry.experts where !retired.contains(expert.name) && !published.contains(expert.name) {
            let folder = "\(entry.store)/\(expert.name)"
            let held = known.first { $0.stored.name == expert.name && $0.stored.folder == folder }
            wanted.append(try read(folder, isResident: expert.placement == .pinned, unless: held))
        }
        for expert in arrangement.published {
            let held = known.first { $0.stored.name == expert.expert && $0.source.hash == expert.sha256 }
            let member: TrunkExperts.Member
            if let held {
                member = held
            } else {
                member = try read(try locator.folder(of: expert), isResident: false, unless: nil)
            }
            try checkGates(of: member, among: wanted)
            wanted.append(member)
        }
        return wanted
    }

    /// - Parameter held: what has been read already.
    private func read(
        _ folder: String, isResident: Bool, unless held: TrunkExperts.Member?
    ) throws(ArrangementRefusal) -> TrunkExperts.Member {
        if let held { return held }
        do throws(WorkerFault) {
            return try TrunkExperts.member(folder, isResident: isResident, trunk: sha256)
        } catch { throw ArrangementRefusal(.unfitExpert, error.description) }
    }

    /// What queries may ask for with the others they may ask for with this one.
    private func checkGates(
        of member: TrunkExperts.Member, among others: [TrunkExperts.Member]
    ) throws(ArrangementRefusal) {
        func lacks(_ what: String, _ has: (TrunkExperts.Member) -> Bool) throws(ArrangementRefusal) {
            guard !has(member), !others.isEmpty, others.allSatisfy(has) else { return }
            throw ArrangementRefusal(
                .unfitExpert,
                "\(member.stored.name) has no \(what), which all other experts of \(name) have and routes need; import it with them"
            )
        }
        try lacks("gates") { $0.source.adapter.gates != nil }
        try lacks("Arrow prototypes") { $0.source.adapter.prototypes != nil }
        try lacks("mean activations") { $0.source.adapter.averageActivations != nil }
    }

    /// Queries that ask for nothing in particular must be served by the next set as by this one.
    private func checkRoutes(_ set: ExpertSet) throws(ArrangementRefusal) {
        if case .single(let expert) = defaults.method, !set.names.contains(expert) {
            throw ArrangementRefusal(
                .invalidParameter, "\(expert) is what the topology routes to by default; it cannot be retired")
        }
        guard defaults.null == .off || set.calibratedMethods.contains(defaults.method.description) else {
            throw ArrangementRefusal(
                .unfitExpert,
                "the topology's default route has a null expert, and there is no calibration of \(set.names.joined(separator: ", ")) "
                    + "together; run skein expert calibrate for this set first, or set null: off")
        }
    }
}

/// What a trunk routes to.
struct TrunkSets: Sendable {
    /// With a shadow, which only rehearsals meet.
    struct Candidate: Sendable {
        let set: ExpertSet
        let expert: String
    }

    let set: ExpertSet
    let candidate: Candidate?
}
