import Messaging
import Routing
import Topology

/// What the topology says about experts, and the rules of changing them: pure.
package struct ExpertPlan: Sendable {
    struct Holder: Sendable {
        let name: String
        let model: String
        let experts: [String]
        let bytesMax: UInt64
    }

    /// By routed model: the topology's experts.
    let experts: [String: [String]]
    let holders: [Holder]
    /// By routed model: the folder of its experts as this machine sees it, those pinned beside the trunk, and whether others read a
    /// lost worker's experts.
    private let stores: [String: (folder: String, pinned: Set<String>, reloads: Bool)]
    /// Workers of other machines.
    private let elsewhere: Set<String>
    /// By routed model: the workers with its trunk.
    private let trunks: [String: Set<String>]
    /// By worker with a share of a mixture: whose.
    let shareholders: [String: String]

    package init(_ topology: ClusterTopology) {
        experts = Dictionary(
            topology.models.compactMap { model in model.experts.map { (model.name, $0.experts.map(\.name)) } },
            uniquingKeysWith: { first, _ in first })
        var trunks: [String: Set<String>] = [:]
        for worker in topology.workers {
            for model in worker.models { trunks[model, default: []].insert(worker.name) }
        }
        self.trunks = trunks
        stores = Dictionary(
            topology.models.compactMap { model in
                model.experts.map { entry in
                    let pinned = entry.experts.filter { $0.placement == .pinned }.map(\.name)
                    return (model.name, (entry.store, Set(pinned), entry.reloads))
                }
            }, uniquingKeysWith: { first, _ in first })
        shareholders = Dictionary(
            topology.workers.compactMap { worker in worker.share.map { (worker.name, $0.model) } },
            uniquingKeysWith: { first, _ in first })
        elsewhere = Set(topology.workers.filter { $0.host == .remote }.map(\.name))
        holders = topology.workers.compactMap { worker in
            worker.experts.map {
                Holder(
                    name: worker.name, model: $0.model, experts: $0.names, bytesMax: UInt64($0.megabytes) << 20)
            }
        }
    }

    /// The names in a model's set.
    package func names(of model: String, _ manifest: ExpertsManifest.Model) -> [String] {
        let published = manifest.published.filter { !$0.isShadow }.map(\.expert)
        let kept = (experts[model] ?? []).filter { !manifest.retired.contains($0) && !published.contains($0) }
        return (kept + published).sorted()
    }

    /// Whether others read the experts of a worker that is lost.
    func reloads(_ model: String) -> Bool { stores[model]?.reloads ?? false }

    /// What workers compute: the names in the set that are not beside the trunk for good.
    func remoteNames(of model: String, _ manifest: ExpertsManifest.Model) -> Set<String> {
        let published = manifest.published.map(\.expert)
        let pinned = (stores[model]?.pinned ?? []).subtracting(published)
        return Set(names(of: model, manifest) + published).subtracting(pinned)
    }

    /// Where this machine has an expert.
    func folder(of expert: String, _ model: String, _ manifest: ExpertsManifest) -> String {
        manifest.models[model]?.published.first { $0.expert == expert }?.folder
            ?? "\(stores[model]?.folder ?? "")/\(expert)"
    }

    func isTrunk(_ worker: String, of model: String) -> Bool { trunks[model]?.contains(worker) ?? false }

    func holder(_ name: String) -> Holder? { holders.first { $0.name == name } }

    /// Which model a change is about.
    func model(of change: ChangeExperts) throws(Messaging.Failure) -> String {
        if change.model.isEmpty, experts.count == 1, let only = experts.keys.first { return only }
        guard experts[change.model] != nil else {
            throw Messaging.Failure(
                id: change.id, kind: .invalidParameter,
                message: change.model.isEmpty
                    ? "the topology has \(experts.count) models with experts; name one (--model)"
                    : "\(change.model) is no model with experts; the topology has "
                        + "\(experts.keys.sorted().joined(separator: ", "))")
        }
        return change.model
    }

    /// The manifest after a change.
    ///
    /// - Parameter worker: who is to hold what is published.
    package func applying(
        _ change: ChangeExperts, to manifest: ExpertsManifest.Model, of model: String, worker: String
    ) throws(Messaging.Failure) -> ExpertsManifest.Model {
        func refuse(_ kind: Messaging.FailureKind, _ message: String) -> Messaging.Failure {
            Messaging.Failure(id: change.id, kind: kind, message: message)
        }
        let names = names(of: model, manifest)
        let shadow = manifest.published.first(where: \.isShadow)?.expert
        if let shadow, change.expert != shadow {
            throw refuse(.busy, "\(shadow) is a shadow of \(model); promote or retire it before anything else changes")
        }
        var next = manifest
        next.version += 1
        switch change.change {
        case .publish:
            guard isName(change.expert), !change.sha256.isEmpty, change.folder.hasPrefix("/") else {
                throw refuse(
                    .invalidParameter, "an expert is published with its name, its content's hash and an absolute folder"
                )
            }
            if names.contains(change.expert) || shadow != nil {
                throw refuse(
                    .nameTaken, "\(model) has an expert \(change.expert) already; retire it first, or rename this one")
            }
            next.published.append(
                .init(
                    expert: change.expert, sha256: change.sha256, folder: change.folder, worker: worker,
                    isShadow: change.shadow))
            next.published.sort { $0.expert < $1.expert }
        // Concern no set of low-rank experts; the shell has taken them.
        case .reloadGraph, .place: break
        case .promote:
            guard shadow != nil, let index = next.published.firstIndex(where: \.isShadow) else {
                throw refuse(
                    .unknownExpert, "\(change.expert) is no shadow of \(model); publish it with --shadow first")
            }
            next.published[index].isShadow = false
        case .retire where shadow != nil: next.published.removeAll(where: \.isShadow)
        case .retire:
            guard names.contains(change.expert) else {
                throw refuse(
                    .unknownExpert, "\(model) has no expert \(change.expert); it has \(names.joined(separator: ", "))")
            }
            guard names.count > 1 else {
                throw refuse(
                    .invalidParameter, "\(change.expert) is the last expert of \(model); a routed model needs one")
            }
            next.published.removeAll { $0.expert == change.expert }
            // What the topology lists stays retired, also where something else was published under its name meanwhile.
            if (experts[model] ?? []).contains(change.expert), !next.retired.contains(change.expert) {
                next.retired = (next.retired + [change.expert]).sorted()
            }
        }
        return next
    }

    /// Who is to hold a new expert: the one that was named, else of those that are ready the one with most room; by name where that
    /// is equal.
    package func holder(for change: ChangeExperts, of model: String, among workers: [ConnectedWorker]) throws(Messaging
        .Failure)
        -> String
    {
        let able = workers.filter { worker in
            worker.isReady && worker.hasDataEndpoint && holder(worker.name)?.model == model
        }
        if !change.worker.isEmpty {
            guard able.contains(where: { $0.name == change.worker }) else {
                throw Messaging.Failure(
                    id: change.id, kind: .noWorker,
                    message: "\(change.worker) is no ready worker with experts of \(model); ready are "
                        + (able.isEmpty ? "none" : able.map(\.name).joined(separator: ", ")))
            }
            return change.worker
        }
        func room(_ worker: ConnectedWorker) -> Int64 {
            Int64(holder(worker.name)?.bytesMax ?? 0) - worker.experts.reduce(0) { $0 + Int64($1.bytes) }
        }
        guard let best = able.max(by: { (room($0), $1.name) < (room($1), $0.name) }) else {
            throw Messaging.Failure(
                id: change.id, kind: .noWorker,
                message: "no worker that holds experts of \(model) is ready; see skein status")
        }
        return best.name
    }

    /// What a worker is to be told; nil where it has nothing to do with the model.
    package func arrangement(
        for worker: String, isTrunk: Bool, of model: String, _ manifest: ExpertsManifest.Model, request: UInt64,
        trunkSHA256: String, standIns: [PlacedExpert] = []
    ) -> ArrangeExperts {
        var placed = manifest.published.filter { isTrunk || $0.worker == worker }.map {
            PlacedExpert(expert: $0.expert, sha256: $0.sha256, folder: $0.folder, shadow: isTrunk && $0.isShadow)
        }
        if !isTrunk { placed += standIns.filter { extra in !placed.contains { $0.expert == extra.expert } } }
        // A path of this machine means nothing on another.
        if elsewhere.contains(worker) { for index in placed.indices { placed[index].folder = "" } }
        return ArrangeExperts(
            request: request, model: model, trunk: isTrunk, trunkSHA256: trunkSHA256, published: placed,
            // Its own copy of something published elsewhere under the same name is another expert.
            retired: manifest.retired
                + (isTrunk ? [] : manifest.published.filter { $0.worker != worker }.map(\.expert)),
            shares: shares(for: worker, isTrunk: isTrunk, manifest))
    }
}
